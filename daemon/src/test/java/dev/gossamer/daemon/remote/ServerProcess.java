package dev.gossamer.daemon.remote;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An NBD server of somebody else on a Unix socket, as a child process; killed at the end. */
final class ServerProcess implements AutoCloseable {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Process process;

    private ServerProcess(Process process) {
        this.process = process;
    }

    /** Starts nbdkit (Debian package nbdkit) in the foreground. */
    static ServerProcess nbdkit(Path socket, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("nbdkit", "-f", "-U", socket.toString()));
        command.addAll(List.of(arguments));
        return start(socket, command);
    }

    /** Starts qemu-nbd (Debian package qemu-utils) in the foreground. */
    static ServerProcess qemuNbd(Path socket, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("qemu-nbd", "-k", socket.toString(), "-t"));
        command.addAll(List.of(arguments));
        return start(socket, command);
    }

    private static ServerProcess start(Path socket, List<String> command) throws Exception {
        Files.deleteIfExists(socket);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        ServerProcess server = new ServerProcess(process);
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (!isListening(socket)) {
            if (!process.isAlive() || System.nanoTime() - end > 0) {
                server.close();
                throw new AssertionError("does not serve: " + String.join(" ", command));
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
        return server;
    }

    /**
     * The file is there before the server listens; and to try by connecting would use up a connection. So the kernel's
     * table is asked: address, count, protocol, flags (00010000: accepts connections), type, state, inode, path.
     */
    private static boolean isListening(Path socket) throws IOException {
        return Files.readAllLines(Path.of("/proc/net/unix")).stream()
                .map(line -> line.split(" +"))
                .anyMatch(fields ->
                        fields.length > 7 && fields[3].equals("00010000") && fields[7].equals(socket.toString()));
    }

    /** SIGKILL, as in a crash. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws IOException {
        try {
            kill();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

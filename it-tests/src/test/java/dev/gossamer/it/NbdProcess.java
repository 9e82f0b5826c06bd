package dev.gossamer.it;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Somebody else's NBD server on a Unix socket, as a child process. */
final class NbdProcess {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Process process;

    private NbdProcess(Process process) {
        this.process = process;
    }

    /** Starts a server that stays in the foreground, and returns when its socket is there. */
    static NbdProcess start(Path socket, List<String> command) throws Exception {
        Files.deleteIfExists(socket);
        Process started = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        NbdProcess server = new NbdProcess(started);
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (!Files.exists(socket)) {
            if (!started.isAlive() || System.nanoTime() - end > 0) {
                server.kill();
                throw new AssertionError("does not serve: " + String.join(" ", command));
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
        return server;
    }

    /** SIGKILL, as in a crash. */
    void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }
}

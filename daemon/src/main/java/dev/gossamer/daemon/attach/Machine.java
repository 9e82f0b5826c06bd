package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Mounts, programs and devices of this machine. Blocks. */
final class Machine {
    private static final long PROGRAM_SECONDS = 600;
    private static final long POLL_MILLIS = 20;

    private Machine() {}

    /** Runs a program to its end; throws with what it said last. */
    static void run(String... command) throws StorageException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (!process.waitFor(PROGRAM_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new StorageException(Errno.EIO, command[0] + " does not end");
            }
            if (process.exitValue() != 0) {
                String last = said.lines().reduce((a, b) -> b).orElse("exit code " + process.exitValue());
                throw new StorageException(Errno.EIO, command[0] + " failed: " + last);
            }
        } catch (StorageException e) {
            throw e;
        } catch (IOException e) {
            throw new StorageException(Errno.ENOENT, command[0] + " cannot be run: " + Reason.of(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(Errno.EINTR, "interrupted", e);
        }
    }

    /** Whether there is such a program where a shell, or root's shell, would find it. */
    static boolean has(String program) {
        String path = System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin";
        for (String directory : path.split(":", -1)) {
            if (!directory.isEmpty() && Files.isExecutable(Path.of(directory, program))) {
                return true;
            }
        }
        return false;
    }

    /** Where a device is mounted; empty if nowhere. */
    static String mountOf(String device) throws StorageException {
        for (String line : mounts()) {
            String[] words = line.split(" ", -1);
            if (words.length > 1 && words[0].equals(device)) {
                return plain(words[1]);
            }
        }
        return "";
    }

    static boolean isMountPoint(String directory) throws StorageException {
        for (String line : mounts()) {
            String[] words = line.split(" ", -1);
            if (words.length > 1 && plain(words[1]).equals(directory)) {
                return true;
            }
        }
        return false;
    }

    /** A name as the kernel lists it: space, tab, newline and backslash are written as octal numbers. */
    static String plain(String listed) {
        return listed.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }

    private static List<String> mounts() throws StorageException {
        try {
            return Files.readAllLines(Path.of("/proc/self/mounts"));
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot read /proc/self/mounts: " + Reason.of(e), e);
        }
    }

    /** Size of a device by the kernel's word, in bytes; 0 if there is none. */
    static long sizeBytes(int index) {
        String sectors = text(Path.of("/sys/block/nbd" + index + "/size"));
        return sectors.isEmpty() ? 0 : Long.parseLong(sectors) * 512;
    }

    /** What the kernel has counted of a device, as a line; empty if there is none. */
    static String statistics(int index) {
        return text(Path.of("/sys/block/nbd" + index + "/stat"));
    }

    /** Whether a client has the device: then the kernel has a pid, of whoever connected it. */
    static boolean isConnected(int index) {
        return Files.exists(Path.of("/sys/block/nbd" + index + "/pid"));
    }

    /** Whether the kernel lets nobody write to a device. */
    static boolean isReadOnly(int index) {
        return text(Path.of("/sys/block/nbd" + index + "/ro")).equals("1");
    }

    /** Waits for size and device file. */
    static void awaitDevice(int index, long bytes, long seconds) throws StorageException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (sizeBytes(index) != bytes || !Files.exists(Path.of("/dev/nbd" + index))) {
            if (System.nanoTime() - end > 0) {
                throw new StorageException(Errno.EIO, "/dev/nbd" + index + " does not appear");
            }
            pause();
        }
    }

    static void pause() throws StorageException {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(Errno.EINTR, "interrupted", e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }
}

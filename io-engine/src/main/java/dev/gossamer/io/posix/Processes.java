package dev.gossamer.io.posix;

import dev.gossamer.io.libc.Libc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** What the kernel tells of processes and of itself (proc(5)). Any thread; reads files that never block. */
public final class Processes {
    private static final Path PROC = Path.of("/proc");

    /** Behind the name, which may contain anything, in parentheses. */
    private static final int STATE_FIELD = 0;

    private static final int START_FIELD = 19;

    private static final long UNKNOWN = -1;

    private Processes() {}

    /** When this process began, in clock ticks since the boot; -1 if the kernel does not tell. */
    public static long ownStartTicks() {
        return startTicks(statusOf(ProcessHandle.current().pid()));
    }

    /**
     * Whether there is certainly no such process: none of this number, or one that began at another time, or one that
     * has ended and is waited for by nobody. A process that cannot be looked at, being another user's, is there.
     */
    public static boolean isGone(long pid, long startTicks) {
        if (pid <= 0 || pid > Integer.MAX_VALUE) {
            return false;
        }
        if (Libc.CALLS.kill((int) pid, 0) != 0 && Libc.errno() == Libc.ESRCH) {
            return true;
        }
        String[] status = statusOf(pid);
        long found = startTicks(status);
        boolean other = found != UNKNOWN && startTicks != UNKNOWN && found != startTicks;
        return other || (status.length > 0 && (status[STATE_FIELD].equals("Z") || status[STATE_FIELD].equals("X")));
    }

    private static long startTicks(String[] status) {
        return status.length > START_FIELD ? Long.parseLong(status[START_FIELD]) : UNKNOWN;
    }

    /** Empty if it cannot be read. */
    private static String[] statusOf(long pid) {
        String line = line(PROC.resolve(pid + "/stat"));
        return line.isEmpty()
                ? new String[0]
                : line.substring(line.lastIndexOf(')') + 2).split(" ", -1);
    }

    /** Of this run of the kernel; all zero if it does not tell. */
    public static UUID bootId() {
        String text = line(PROC.resolve("sys/kernel/random/boot_id"));
        return text.isEmpty() ? new UUID(0, 0) : UUID.fromString(text);
    }

    /** Of this installation of the system (machine-id(5)); all zero if it has none. */
    public static UUID machineId() {
        String text = line(Path.of("/etc/machine-id"));
        return text.matches("[0-9a-f]{32}")
                ? new UUID(Long.parseUnsignedLong(text, 0, 16, 16), Long.parseUnsignedLong(text, 16, 32, 16))
                : new UUID(0, 0);
    }

    /** In which process numbers count (pid_namespaces(7)); 0 if the kernel does not tell. */
    public static long pidNamespace() {
        try {
            String link = Files.readSymbolicLink(PROC.resolve("self/ns/pid")).toString();
            return Long.parseLong(link.replaceAll("\\D", ""));
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }

    /** Descriptors that this process may have open; very many if the kernel does not tell. */
    public static long descriptorLimit() {
        return line(PROC.resolve("self/limits"))
                .lines()
                .filter(line -> line.startsWith("Max open files"))
                .map(line -> line.split(" {2,}", -1)[1])
                .filter(soft -> soft.matches("\\d{1,9}"))
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElse(Integer.MAX_VALUE);
    }

    /** The name that the machine has given itself. */
    public static String hostName() {
        String name = line(PROC.resolve("sys/kernel/hostname"));
        return name.isEmpty() ? "unknown" : name;
    }

    private static String line(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }
}

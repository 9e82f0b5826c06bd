package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Who still has a device or a partition of it, by what the kernel tells in files. The device itself is not opened: one
 * whose server is away answers nobody.
 */
final class DeviceUsers {
    private static final int DEVICE_FIELD = 2;
    private static final int MOUNT_FIELD = 4;

    private final Path sys;
    private final Path proc;

    /** As this machine's kernel tells. */
    DeviceUsers() {
        this(Path.of("/sys"), Path.of("/proc"));
    }

    DeviceUsers(Path sys, Path proc) {
        this.sys = sys;
        this.proc = proc;
    }

    /** @throws StorageException EBUSY if a mount has it, in whatever namespace, swap, or another device */
    void check(int index) throws StorageException {
        String device = "nbd" + index;
        String user;
        try {
            user = user(device);
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "it cannot be told who has /dev/" + device + ": " + Reason.of(e), e);
        }
        if (!user.isEmpty()) {
            throw new StorageException(Errno.EBUSY, "/dev/" + device + " is in use: " + user + "; nothing was ended");
        }
    }

    /** One of them, in words; empty if there is none. */
    private String user(String device) throws IOException {
        Path whole = sys.resolve("block").resolve(device);
        Set<String> numbers = new HashSet<>();
        for (Path part : parts(whole, device)) {
            for (Path holder : entries(part.resolve("holders"))) {
                return "/dev/" + holder.getFileName() + " is made of it";
            }
            if (Files.exists(part.resolve("dev"))) {
                numbers.add(Files.readString(part.resolve("dev")).strip());
            }
        }
        String swap = swap(device);
        return swap.isEmpty() ? mount(numbers) : swap;
    }

    /** The device and its partitions. */
    private static List<Path> parts(Path whole, String device) throws IOException {
        return Stream.concat(Stream.of(whole), entries(whole).stream().filter(entry -> entry.getFileName()
                        .toString()
                        .matches(device + "p[0-9]+")))
                .toList();
    }

    private String swap(String device) throws IOException {
        Path swaps = proc.resolve("swaps");
        if (Files.exists(swaps)) {
            for (String line : Files.readAllLines(swaps)) {
                String name = line.split("\\s", 2)[0];
                if (name.matches("/dev/" + device + "(p[0-9]+)?")) {
                    return "swap is on " + name;
                }
            }
        }
        return "";
    }

    private String mount(Set<String> numbers) throws IOException {
        Set<Path> namespaces = new HashSet<>();
        for (Path process : entries(proc)) {
            if (!process.getFileName().toString().matches("[0-9]+")) {
                continue;
            }
            String mount = mount(process, namespaces, numbers);
            if (!mount.isEmpty()) {
                return "process " + process.getFileName() + " has it mounted on " + Machine.plain(mount);
            }
        }
        return "";
    }

    /** Where a process sees it, if its mounts are no others that have been looked at. */
    private static String mount(Path process, Set<Path> namespaces, Set<String> numbers) {
        try {
            Path namespace = Files.readSymbolicLink(process.resolve("ns/mnt"));
            if (namespaces.contains(namespace)) {
                return "";
            }
            for (String line : Files.readAllLines(process.resolve("mountinfo"))) {
                String[] fields = line.split(" ", MOUNT_FIELD + 2);
                if (fields.length > MOUNT_FIELD && numbers.contains(fields[DEVICE_FIELD])) {
                    return fields[MOUNT_FIELD];
                }
            }
            namespaces.add(namespace);
            return "";
        } catch (IOException ended) {
            return ""; // Another one of its namespace is asked, if there is one.
        }
    }

    private static List<Path> entries(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.toList();
        }
    }
}

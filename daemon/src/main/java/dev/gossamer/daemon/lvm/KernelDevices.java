package dev.gossamer.daemon.lvm;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What sysfs tells of this machine's block devices: which there are, who holds them, what device-mapper has active.
 *
 * @param sysfs {@code /sys}, or what a test has instead
 * @param devices {@code /dev}
 */
public record KernelDevices(Path sysfs, Path devices) {
    public static final KernelDevices SYSTEM = new KernelDevices(Path.of("/sys"), Path.of("/dev"));

    private static final String LVM = "LVM-";

    private Path blocks() {
        return sysfs.resolve("class/block");
    }

    /**
     * Block devices that may be physical volumes: not LVM's own volumes, nothing without a size, and not the parts of
     * something that is no volume, as of a mirror or a multipath device: that is looked at itself.
     */
    public List<Path> candidates() throws StorageException {
        List<Path> found = new ArrayList<>();
        for (String name : names(blocks())) {
            boolean part =
                    holders(name).stream().anyMatch(holder -> !uuid(holder).startsWith(LVM));
            if (!uuid(name).startsWith(LVM)
                    && !part
                    && !read(blocks().resolve(name).resolve("size")).equals("0")) {
                found.add(devices.resolve(name.replace('!', '/')));
            }
        }
        return found;
    }

    /**
     * Whether device-mapper has a device whose uuid begins so.
     *
     * @throws StorageException if nothing tells
     */
    public boolean isActive(List<String> uuids) throws StorageException {
        if (!Files.isDirectory(blocks())) {
            throw new StorageException(
                    Errno.ENODEV,
                    "without /sys there is no telling whether LVM has the volume active; if it has not, add"
                            + " --assume-inactive");
        }
        for (String name : names(blocks())) {
            String uuid = uuid(name);
            if (uuids.stream().anyMatch(uuid::startsWith)) {
                return true;
            }
        }
        return false;
    }

    /** Whether this device is held by volumes of one group alone, whose uuids begin so; false if nobody holds it. */
    public boolean isHeldBy(Path device, String uuidPrefix) throws StorageException {
        List<String> holders = holders(nameOf(device));
        return !holders.isEmpty()
                && holders.stream().allMatch(holder -> uuid(holder).startsWith(uuidPrefix));
    }

    /** The loop device that has this file; null if none has. */
    public Path loopOf(Path file) throws StorageException {
        for (String name : Files.isDirectory(blocks()) ? names(blocks()) : List.<String>of()) {
            String backing = read(blocks().resolve(name).resolve("loop/backing_file"));
            try {
                if (!backing.isEmpty() && Files.isSameFile(Path.of(backing), file)) {
                    return devices.resolve(name);
                }
            } catch (IOException e) {
                // The file that the loop device has is not there any more: it is another.
            }
        }
        return null;
    }

    private static String nameOf(Path device) {
        Path real;
        try {
            real = device.toRealPath();
        } catch (IOException e) {
            real = device;
        }
        return real.getFileName().toString();
    }

    private List<String> holders(String name) throws StorageException {
        Path holders = blocks().resolve(name).resolve("holders");
        return Files.isDirectory(holders) ? names(holders) : List.of();
    }

    private String uuid(String name) {
        return read(blocks().resolve(name).resolve("dm/uuid"));
    }

    /** Empty if it cannot be read: the device is of another kind, or has just gone. */
    private static String read(Path file) {
        try {
            return Files.readString(file).trim();
        } catch (IOException e) {
            return "";
        }
    }

    private static List<String> names(Path directory) throws StorageException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot read " + directory + ": " + Reason.of(e), e);
        }
    }
}

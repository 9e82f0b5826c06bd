package dev.gossamer.daemon.cow;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.DeviceIdentity;
import dev.gossamer.io.posix.PosixDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What tells an origin from another device that came under its name: a serial number or UUID of a block device, a
 * file's inode, and the size. A device that tells nothing but its size must have exactly that; others may have grown.
 * Blocks; not on a loop.
 */
final class OriginIdentity {
    private static final String BYTES = " bytes";
    private static final Path SYSFS = Path.of("/sys/dev/block");

    /** What the kernel tells of disks, partitions, device-mapper and loop devices. */
    private static final String[] NAMES = {
        "dm/uuid", "wwid", "device/wwid", "serial", "device/serial", "loop/backing_file"
    };

    private OriginIdentity() {}

    /** One line, to be compared and to be read. */
    static String of(BlockDevice device) {
        String what = device instanceof PosixDevice local ? of(local.identity()) : "";
        return (what.isEmpty() ? "" : what + ", ") + device.sizeBytes() + BYTES;
    }

    private static String of(DeviceIdentity identity) {
        if (!identity.blockDevice()) {
            return "file, inode " + identity.inode();
        }
        Path device = SYSFS.resolve(identity.major() + ":" + identity.minor());
        String partition = read(device.resolve("partition"));
        Path disk = partition.isEmpty() ? device : device.resolve("..");
        for (String name : NAMES) {
            String value = read(disk.resolve(name));
            if (!value.isEmpty()) {
                return "block device, " + name.substring(name.lastIndexOf('/') + 1) + " " + value
                        + (partition.isEmpty() ? "" : " partition " + partition);
            }
        }
        return "";
    }

    /** Empty if this kind of device does not tell that. */
    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }

    /** Refuses a device that is not the one that was recorded; nothing has been written to it. */
    static void require(CowConfig.Origin recorded, String found) throws StorageException {
        String expected = recorded.identity();
        boolean isSame = expected.equals(found)
                || (!nameOf(expected).isEmpty()
                        && nameOf(expected).equals(nameOf(found))
                        && sizeOf(expected) <= sizeOf(found));
        if (!expected.isEmpty() && !isSame) {
            throw new StorageException(
                    Errno.EINVAL,
                    recorded.device() + " is not the device that origin " + recorded.name() + " was (" + expected
                            + ") but another (" + found + "), and its snapshots would destroy it; bring the right one"
                            + " back, or if this is the same data, take the line 'identity' of " + recorded.name()
                            + " from cow.yaml");
        }
    }

    private static String nameOf(String identity) {
        int at = identity.lastIndexOf(", ");
        return at < 0 ? "" : identity.substring(0, at);
    }

    private static long sizeOf(String identity) {
        String size = identity.substring(identity.lastIndexOf(' ', identity.length() - BYTES.length() - 1) + 1);
        try {
            return Long.parseLong(size.substring(0, Math.max(0, size.length() - BYTES.length())));
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE; // Edited by hand, to something that no device is.
        }
    }
}

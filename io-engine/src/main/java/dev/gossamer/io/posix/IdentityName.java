package dev.gossamer.io.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a file or block device of this machine tells of itself, whatever it is called. Blocks briefly. */
final class IdentityName {
    private static final Path SYSFS = Path.of("/sys/dev/block");

    /** What the kernel tells of disks, partitions, device-mapper and loop devices. */
    private static final String[] NAMES = {
        "dm/uuid", "md/uuid", "wwid", "device/wwid", "serial", "device/serial", "loop/backing_file"
    };

    private IdentityName() {}

    /** Empty for a block device that tells nothing. A file has its inode, which is used again, and its birth. */
    static String of(FileStatus status) {
        DeviceIdentity identity = status.identity();
        if (!identity.blockDevice()) {
            return "file, inode " + identity.inode() + (status.born() == null ? "" : ", born " + status.born());
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
}

package dev.gossamer.io.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the queue of a block device can do, as sysfs tells it: files of one number in {@code
 * dev/block/MAJOR:MINOR/queue}. A partition shares the queue of its disk, one directory up. What sysfs does not tell
 * counts as 0: cannot be done.
 */
record QueueLimits(Path sysfs, DeviceIdentity device) {
    static final Path SYSTEM = Path.of("/sys");

    /** Whether PUNCH_HOLE works: the block layer carries it out as a write-zeroes command, or refuses. */
    boolean canWriteZeroes() {
        return read("write_zeroes_max_bytes") > 0;
    }

    /** Whether BLKDISCARD works, which promises nothing about what is read afterwards. */
    boolean canDiscard() {
        return read("discard_max_bytes") > 0;
    }

    long discardGranularityBytes() {
        return read("discard_granularity");
    }

    private long read(String name) {
        Path block = sysfs.resolve("dev/block").resolve(device.major() + ":" + device.minor());
        Path ofDisk = block.resolve("queue").resolve(name);
        Path limit = Files.exists(ofDisk) ? ofDisk : block.resolve("../queue").resolve(name);
        try {
            return Long.parseLong(Files.readString(limit).trim());
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }
}

package dev.gossamer.io.posix;

import java.nio.file.Path;

/**
 * Which device a path leads to, whatever links lie between: equal identities are the same storage.
 *
 * @param blockDevice whether this is a block device ({@code major:minor} is its own number, {@code inode} is 0) or a
 *     file ({@code major:minor} is its file system's)
 */
public record DeviceIdentity(boolean blockDevice, int major, int minor, long inode) {
    /** What a path leads to; null if it cannot be looked at. Blocks briefly. */
    public static DeviceIdentity of(Path path) {
        FileStatus status = FileStatus.of(path.toString());
        return status == null ? null : status.identity();
    }
}

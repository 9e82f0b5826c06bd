package dev.gossamer.io.posix;

/**
 * Which device a path leads to, whatever links lie between: equal identities are the same storage.
 *
 * @param blockDevice whether this is a block device ({@code major:minor} is its own number, {@code inode} is 0) or a
 *     file ({@code major:minor} is its file system's)
 */
public record DeviceIdentity(boolean blockDevice, int major, int minor, long inode) {}

package dev.gossamer.snapshot.store;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;

/**
 * What a store's device says when it is not broken but takes nothing more (rule S-V7): it has no room, whoever
 * sets the limit, or no changes are made to it at all, as in a pool or a file system that has become read-only.
 */
public final class Refusal {
    private Refusal() {}

    /** Whether this error of a device is one. */
    public static boolean is(BlockDevice device, int errno) {
        return errno == Errno.ENOSPC || errno == Errno.EDQUOT || isFinal(device, errno);
    }

    /** Whether it lasts until the device is opened again. */
    public static boolean isFinal(BlockDevice device, int errno) {
        return errno == Errno.EROFS || (errno != Errno.OK && device.geometry().readOnly());
    }
}

package dev.gossamer.thin.space;

import dev.gossamer.io.Errno;

/**
 * Whether what is below the data device has room: a sparse file may lie on a file system that is full, and a remote may
 * answer ENOSPC, while the pool has free blocks (rules S-1 to S-5 all the same). Nobody tells when there is room again,
 * so now and then one write is let through to see. Worker's thread.
 */
final class DeviceRoom {
    /** Why the pool is out of data space then. */
    static final String FULL =
            "the file system or device under the data device is full; make room there, nothing else is needed";

    /** Between two writes that are let through. */
    static final long TRY_NANOS = 1_000_000_000L;

    private boolean full;
    private long triedNanos;

    /** Whether an errno says that there is no room. */
    static boolean isMeantBy(int errno) {
        return errno == Errno.ENOSPC || errno == Errno.EDQUOT;
    }

    boolean isFull() {
        return full;
    }

    void becameFull(long nowNanos) {
        full = true;
        triedNanos = nowNanos;
    }

    void hasRoom() {
        full = false;
    }

    /** Whether a write has to wait; if not, it is the one that tries. */
    boolean refuses(long nowNanos) {
        if (!full) {
            return false;
        }
        if (nowNanos - triedNanos < TRY_NANOS) {
            return true;
        }
        triedNanos = nowNanos;
        return false;
    }
}

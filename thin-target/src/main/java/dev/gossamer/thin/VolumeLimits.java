package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/**
 * What a volume may take of the pool's data space (rule S-6).
 *
 * @param limitBytes mapped space at which further writes to unmapped blocks get ENOSPC; 0 = none. Bounds what is
 *     mapped, so a snapshot's copies do not count.
 * @param reserveBytes mapped space that is guaranteed: other volumes cannot have it. 0 = none
 * @param onFull null = as the pool says
 */
public record VolumeLimits(long limitBytes, long reserveBytes, OnFull onFull) {
    /** Nothing limited, nothing reserved. */
    public static final VolumeLimits NONE = new VolumeLimits(0, 0, null);

    /** Throws EINVAL with the rule if these cannot be a volume's limits. */
    public void check() throws StorageException {
        if (limitBytes < 0 || reserveBytes < 0) {
            throw new StorageException(Errno.EINVAL, "limit and reserve must not be negative; 0 means none");
        }
        if (limitBytes > 0 && reserveBytes > limitBytes) {
            throw new StorageException(
                    Errno.EINVAL,
                    "a reserve of " + reserveBytes + " bytes is more than the limit of " + limitBytes
                            + "; reserve less or raise the limit");
        }
    }
}

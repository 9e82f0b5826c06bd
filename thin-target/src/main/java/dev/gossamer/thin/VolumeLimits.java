package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/**
 * What a volume may take of the pool's data space, and what is promised to it (rules S-6, AC-13).
 *
 * @param limitBytes mapped space at which further writes to unmapped blocks get ENOSPC; 0 = none. Bounds what is
 *     mapped, so a snapshot's copies do not count.
 * @param reserveBytes space of its own that is promised: other volumes cannot have it. 0 = none
 * @param thick all of its size is promised, whatever size it gets
 * @param critical it may take what the pool keeps back from others for emergencies
 * @param onFull null = as the pool says
 * @param onFullSeconds how long its writes wait for space; 0 = as the pool says
 */
public record VolumeLimits(
        long limitBytes, long reserveBytes, boolean thick, boolean critical, OnFull onFull, int onFullSeconds) {
    /** A day: whoever has waited so long has other trouble. */
    public static final int MAX_ON_FULL_SECONDS = 86_400;

    /** Nothing limited, nothing reserved. */
    public static final VolumeLimits NONE = new VolumeLimits(0, 0, null);

    /** Neither thick nor critical. */
    public VolumeLimits(long limitBytes, long reserveBytes, OnFull onFull) {
        this(limitBytes, reserveBytes, false, false, onFull, 0);
    }

    /** The promise of all of a volume's size. */
    public static VolumeLimits thickly() {
        return new VolumeLimits(0, 0, true, false, null, 0);
    }

    /** The same, with nothing promised. */
    public VolumeLimits withoutPromise() {
        return new VolumeLimits(limitBytes, 0, false, critical, onFull, onFullSeconds);
    }

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
        if (thick && (limitBytes > 0 || reserveBytes > 0)) {
            throw new StorageException(
                    Errno.EINVAL,
                    "all of a thick volume is promised to it: give it neither a limit nor a reserve, or make it thin");
        }
        if (onFullSeconds < 0 || onFullSeconds > MAX_ON_FULL_SECONDS) {
            throw new StorageException(
                    Errno.EINVAL,
                    "writes cannot wait " + onFullSeconds + " seconds for space; use 1 to " + MAX_ON_FULL_SECONDS
                            + ", or 0 for the pool's time-out");
        }
    }
}

package dev.gossamer.io.rate;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/**
 * What clients may do with a device in a second, all of them together. Each that is given holds, so one for reads may
 * stand beside one for both.
 *
 * @param iops reads and writes; 0 = no limit, as everywhere here
 * @param readIops reads alone
 * @param writeIops everything that changes the device: writes, trims, zeroing
 * @param bandwidth bytes of both
 * @param readBandwidth bytes that are read
 * @param writeBandwidth bytes that are written
 * @param burstMillis what was not used for so long may be used at once later; 0 = {@link #DEFAULT_BURST_MILLIS}
 */
public record IoRates(
        long iops,
        long readIops,
        long writeIops,
        long bandwidth,
        long readBandwidth,
        long writeBandwidth,
        long burstMillis) {
    /** No limit. */
    public static final IoRates NONE = new IoRates(0, 0, 0, 0, 0, 0, 0);

    /** A tenth of a second: more than a busy loop is late by, so that lateness costs nothing of what is allowed. */
    public static final long DEFAULT_BURST_MILLIS = 100;

    /** Below it, what a loop is late by would be lost. */
    public static final long LEAST_BURST_MILLIS = 10;

    /** An hour. */
    public static final long MOST_BURST_MILLIS = 3_600_000;

    /** Beyond it the time of a request is too short to be counted. */
    public static final long MOST_IOPS = 1_000_000_000L;

    /** The longest command, of 4 GiB, takes less than a day. */
    public static final long LEAST_BANDWIDTH = 64 << 10;

    /** A TiB a second. */
    public static final long MOST_BANDWIDTH = 1L << 40;

    /** Throws EINVAL with the rule if these cannot be a device's rates. */
    public void check() throws StorageException {
        checkIops("iops", iops);
        checkIops("read-iops", readIops);
        checkIops("write-iops", writeIops);
        checkBandwidth("bandwidth", bandwidth);
        checkBandwidth("read-bandwidth", readBandwidth);
        checkBandwidth("write-bandwidth", writeBandwidth);
        if (burstMillis != 0 && (burstMillis < LEAST_BURST_MILLIS || burstMillis > MOST_BURST_MILLIS)) {
            throw new StorageException(
                    Errno.EINVAL, "burst must be from 10ms to 1h, not " + burstMillis + " ms; 0 means 100ms");
        }
    }

    private static void checkIops(String what, long value) throws StorageException {
        if (value < 0 || value > MOST_IOPS) {
            throw new StorageException(
                    Errno.EINVAL, what + " must be from 1 to " + MOST_IOPS + ", not " + value + "; 0 means no limit");
        }
    }

    private static void checkBandwidth(String what, long value) throws StorageException {
        if (value != 0 && (value < LEAST_BANDWIDTH || value > MOST_BANDWIDTH)) {
            throw new StorageException(
                    Errno.EINVAL, what + " must be from 64k to 1T bytes a second, not " + value + "; 0 means no limit");
        }
    }

    /** Whether anything is limited. */
    public boolean isLimited() {
        return (iops | readIops | writeIops | bandwidth | readBandwidth | writeBandwidth) != 0;
    }

    /** How much time's worth may be saved up. */
    long burstNanos() {
        return (burstMillis == 0 ? DEFAULT_BURST_MILLIS : burstMillis) * 1_000_000;
    }
}

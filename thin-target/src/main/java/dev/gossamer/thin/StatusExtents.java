package dev.gossamer.thin;

import java.util.Arrays;

/**
 * The answer to one question: extents of bytes with equal flags, back to back from the start of the range. Length and
 * flags are packed into one long, {@code lengthBytes << 2 | flags}: volumes are smaller than 2^57 bytes.
 */
public final class StatusExtents {
    private static final int FLAG_BITS = 2;

    /** Capacity kept for the next answer; more is given back, so that many idle queries do not hold 512 KiB each. */
    private static final int KEPT = 1 << 12;

    private long[] packed = new long[16];
    private int count;
    private int maxExtents;
    private long position;
    private long endBytes;

    void begin(long fromBytes, long toBytes, int newMaxExtents) {
        if (packed.length > KEPT) {
            packed = new long[16];
        }
        count = 0;
        maxExtents = newMaxExtents;
        position = fromBytes;
        endBytes = toBytes;
    }

    /**
     * Says that everything from where the last extent ends up to here has these flags; what lies beyond the range is
     * cut off.
     *
     * @return whether more can be said; false once the range is covered or there are too many extents
     */
    public boolean upTo(long toBytes, int flags) {
        long to = Math.min(toBytes, endBytes);
        if (to > position) {
            if (count > 0 && flags(count - 1) == flags) {
                packed[count - 1] += (to - position) << FLAG_BITS;
            } else if (count == maxExtents) {
                return false;
            } else {
                if (count == packed.length) {
                    packed = Arrays.copyOf(packed, 2 * count);
                }
                packed[count++] = (to - position) << FLAG_BITS | flags;
            }
            position = to;
        }
        return position < endBytes;
    }

    /** First byte that nothing has been said of. */
    public long position() {
        return position;
    }

    int count() {
        return count;
    }

    long lengthBytes(int index) {
        return packed[index] >>> FLAG_BITS;
    }

    int flags(int index) {
        return (int) packed[index] & ((1 << FLAG_BITS) - 1);
    }
}

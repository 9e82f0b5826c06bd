package dev.gossamer.io;

/**
 * What a {@link BlockDevice} looks like from outside.
 *
 * @param sizeBytes current size; every request must lie inside
 * @param alignmentBytes offsets, lengths and (for READ and WRITE) memory addresses must be multiples of this power of
 *     two; 1 means that the device serves any range
 * @param readOnly WRITE, DISCARD and WRITE_ZEROES are answered EROFS
 * @param discardBytes granularity of DISCARD: smaller pieces are ignored; 0 = DISCARD is answered EOPNOTSUPP
 */
public record BlockGeometry(long sizeBytes, int alignmentBytes, boolean readOnly, long discardBytes) {
    public BlockGeometry {
        if (sizeBytes < 0) {
            throw new IllegalArgumentException("size is negative: " + sizeBytes);
        }
        if (alignmentBytes < 1 || Integer.bitCount(alignmentBytes) != 1) {
            throw new IllegalArgumentException("alignment is no power of two: " + alignmentBytes);
        }
    }

    /** Whether {@code [offsetBytes, offsetBytes + lengthBytes)} lies inside the device. Safe against overflow. */
    public boolean contains(long offsetBytes, long lengthBytes) {
        return offsetBytes >= 0
                && lengthBytes >= 0
                && offsetBytes <= sizeBytes
                && lengthBytes <= sizeBytes - offsetBytes;
    }

    /** Whether both ends of the range are multiples of {@link #alignmentBytes}. */
    public boolean isAligned(long offsetBytes, long lengthBytes) {
        return ((offsetBytes | lengthBytes) & (alignmentBytes - 1)) == 0;
    }
}

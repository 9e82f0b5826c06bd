package dev.gossamer.pdata.spacemap;

import dev.gossamer.pdata.block.MetadataBlock;

/**
 * A bitmap block: two bits per counted block (on-disk format, 6.3).
 *
 * <pre>
 *  byte 0      4       8          16                                          4095
 *      +------+-------+----------+---------------------------------------------+
 *      | csum | 0     | location | 16320 pairs of bits, first in the low bits  |
 *      +------+-------+----------+---------------------------------------------+
 *
 *  count      0   1   2   3 or more: the count is in the overflow tree
 *  upper bit  0   1   0   1
 *  lower bit  0   0   1   1          the LOWER bit is worth two
 * </pre>
 */
public final class BitmapLayout {
    /** Blocks counted by one bitmap. */
    public static final int ENTRIES = (MetadataBlock.BYTES - MetadataBlock.HEADER_BYTES) * 4;

    /** What a pair says of all larger counts. */
    public static final int OVERFLOW = 3;

    private static final int ENTRIES_PER_WORD = Long.SIZE / 2;
    static final int WORDS = ENTRIES / ENTRIES_PER_WORD;
    private static final long LOW_BITS = 0x5555555555555555L;

    private BitmapLayout() {}

    /** The count of an entry, {@link #OVERFLOW} for 3 or more. */
    public static int count(MetadataBlock bitmap, int entry) {
        long word = bitmap.getLong(wordOffset(entry / ENTRIES_PER_WORD));
        int pair = (int) (word >>> shift(entry)) & 3;
        return swap(pair);
    }

    static void setCount(MetadataBlock bitmap, int entry, int count) {
        int offset = wordOffset(entry / ENTRIES_PER_WORD);
        long word = bitmap.getLong(offset) & ~(3L << shift(entry));
        bitmap.putLong(offset, word | (long) swap(count) << shift(entry));
    }

    /** One bit per entry of a word of 32 entries, first in the lowest: set where the count is 0. */
    static int freeMask(MetadataBlock bitmap, int word) {
        long pairs = bitmap.getLong(wordOffset(word));
        return ~(int) Long.compress(pairs | pairs >>> 1, LOW_BITS);
    }

    static int wordOf(int entry) {
        return entry / ENTRIES_PER_WORD;
    }

    private static int swap(int pair) {
        return (pair & 1) << 1 | pair >>> 1;
    }

    private static int shift(int entry) {
        return entry % ENTRIES_PER_WORD * 2;
    }

    private static int wordOffset(int word) {
        return MetadataBlock.HEADER_BYTES + Long.BYTES * word;
    }
}

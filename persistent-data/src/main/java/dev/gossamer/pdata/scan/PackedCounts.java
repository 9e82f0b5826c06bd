package dev.gossamer.pdata.scan;

import dev.gossamer.pdata.spacemap.BitmapLayout;
import java.util.Arrays;

/**
 * References to blocks, counted in the pairs of bits that a stored bitmap has (on-disk format, 6.3), so that 32 counts
 * are compared with it at once. Counts above 2 are in a hash table beside.
 *
 * <p>Memory: a quarter of a byte for each block of a page of 16384 that anything refers to, 24 bytes or less for a
 * count above 2.
 */
public final class PackedCounts {
    /** Counts in one word. */
    public static final int PER_WORD = Long.SIZE / 2;

    private static final int PAGE_BITS = 14;
    private static final int PAGE_WORDS = (1 << PAGE_BITS) / PER_WORD;
    private static final int PAGE_WORD_BITS = 9;
    private static final int ONE = 2;
    private static final int TWO = 1;
    private static final int MORE = 3;

    private final long blocks;
    private final long[][] pages;
    private final LongMap large = new LongMap();

    /** @param blocks how many are counted; the caller has compared it with what the device can hold counts of */
    public PackedCounts(long blocks) {
        this.blocks = blocks;
        pages = new long[Math.toIntExact((blocks >>> PAGE_BITS) + 1)][];
    }

    public long blocks() {
        return blocks;
    }

    /** Counts a reference. One to no possible block is left out: whoever looks there reports it. */
    public void increment(long block) {
        if (block < 0 || block >= blocks) {
            return;
        }
        long[] page = pages[(int) (block >>> PAGE_BITS)];
        if (page == null) {
            page = new long[PAGE_WORDS];
            pages[(int) (block >>> PAGE_BITS)] = page;
        }
        int word = (int) (block / PER_WORD) & PAGE_WORDS - 1;
        int shift = (int) block * 2 & Long.SIZE - 1;
        switch ((int) (page[word] >>> shift) & MORE) {
            case 0 -> page[word] |= (long) ONE << shift;
                // Both bits turn: 10 becomes 01.
            case ONE -> page[word] ^= (long) MORE << shift;
            case TWO -> {
                page[word] |= (long) MORE << shift;
                large.put(block, BitmapLayout.OVERFLOW);
            }
            default -> large.put(block, large.get(block, 0) + 1);
        }
    }

    /** How often a block was counted. */
    public long count(long block) {
        if (block < 0 || block >= blocks) {
            return 0;
        }
        int pair = (int) (word(block / PER_WORD) >>> ((int) block * 2 & Long.SIZE - 1)) & MORE;
        return switch (pair) {
            case 0 -> 0;
            case ONE -> 1;
            case TWO -> 2;
            default -> large.get(block, 0);
        };
    }

    /** Blocks whose count is above 2, ascending. */
    public long[] large() {
        long[] found = new long[large.size()];
        int[] at = {0};
        large.forEach((block, count) -> found[at[0]++] = block);
        Arrays.sort(found);
        return found;
    }

    /** The pairs of 32 blocks from {@code 32 * word} on, as a bitmap has them. */
    public long word(long word) {
        int pageNumber = (int) (word >>> PAGE_WORD_BITS);
        long[] page = pageNumber < pages.length ? pages[pageNumber] : null;
        return page == null ? 0 : page[(int) word & PAGE_WORDS - 1];
    }
}

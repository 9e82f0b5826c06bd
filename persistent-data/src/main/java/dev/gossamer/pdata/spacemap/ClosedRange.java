package dev.gossamer.pdata.spacemap;

import java.util.List;

/** A range of blocks of which none is allocated, and what is in it. The empty one closes nothing. */
final class ClosedRange {
    static final ClosedRange NONE = new ClosedRange(0, 0, 0, 0);

    final long from;
    final long to;
    private long inUse;
    // Free, and not to be allocated yet, closed or not.
    private long excluded;

    private ClosedRange(long from, long to, long inUse, long excluded) {
        this.from = from;
        this.to = to;
        this.inUse = inUse;
        this.excluded = excluded;
    }

    /** With what the bitmaps that count the range say of it; those that have not been read exclude nothing. */
    static ClosedRange of(List<Bitmap> bitmaps, long from, long to, long inUse) {
        long excluded = 0;
        for (long block = from; block < to; ) {
            int entry = (int) (block % BitmapLayout.ENTRIES);
            int width = (int) Math.min(Integer.SIZE - entry % Integer.SIZE, to - block);
            Bitmap bitmap = bitmaps.get((int) (block / BitmapLayout.ENTRIES));
            int mask = bitmap == null ? 0 : bitmap.excludedMask(BitmapLayout.wordOf(entry)) >>> entry % Integer.SIZE;
            excluded += Integer.bitCount(width == Integer.SIZE ? mask : mask & (1 << width) - 1);
            block += width;
        }
        return new ClosedRange(from, to, inUse, excluded);
    }

    boolean isEmpty() {
        return from == to;
    }

    boolean has(long block) {
        return block >= from && block < to;
    }

    /** Blocks that are counted. */
    long inUse() {
        return inUse;
    }

    /** Blocks that could be allocated if the range were not closed. */
    long keptBack() {
        return to - from - inUse - excluded;
    }

    /** Blocks that are not counted. */
    long unused() {
        return to - from - inUse;
    }

    /** A block of the range is counted from now on, or no more; and may be excluded from now on, or no more. */
    void changed(int usedMore, int excludedMore) {
        inUse += usedMore;
        excluded += excludedMore;
    }

    /** Freed blocks are excluded from now on. */
    void exclude(FreedBlocks freed) {
        excluded += overlap(freed);
    }

    /** Freed blocks are excluded no more. */
    void release(FreedBlocks freed) {
        excluded -= overlap(freed);
    }

    private long overlap(FreedBlocks freed) {
        long blocks = 0;
        for (int run = 0; run < freed.runs() && !isEmpty(); run++) {
            long first = freed.firstBlock(run);
            blocks += Math.max(0, Math.min(to, first + freed.blocks(run)) - Math.max(from, first));
        }
        return blocks;
    }
}

package dev.gossamer.pdata.spacemap;

import java.util.BitSet;

/**
 * Goes through {@link FreedBlocks} as runs of neighbouring blocks. A run ends with its bitmap, that is at multiples of
 * {@link BitmapLayout#ENTRIES}. One thread.
 */
public final class FreedRuns {
    private final FreedBlocks freed;
    private final int maxBlocks;
    private int part = -1;
    private BitSet bits = new BitSet();
    private int position;
    private long firstBlock;
    private int blocks;

    FreedRuns(FreedBlocks freed, int maxBlocks) {
        this.freed = freed;
        this.maxBlocks = maxBlocks;
    }

    /** Goes to the next run. False behind the last. */
    public boolean next() {
        int start = bits.nextSetBit(position);
        while (start < 0) {
            if (++part >= freed.parts()) {
                return false;
            }
            bits = BitSet.valueOf(freed.bitsOf(part));
            start = bits.nextSetBit(0);
        }
        position = Math.min(bits.nextClearBit(start), start + maxBlocks);
        firstBlock = (long) freed.bitmapOf(part) * BitmapLayout.ENTRIES + start;
        blocks = position - start;
        return true;
    }

    /** The run's lowest block. */
    public long firstBlock() {
        return firstBlock;
    }

    /** How many blocks the run has. */
    public int blocks() {
        return blocks;
    }
}

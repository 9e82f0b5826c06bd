package dev.gossamer.pdata.spacemap;

/**
 * Goes through {@link FreedBlocks} as runs of neighbouring blocks. A run ends with its bitmap, that is at multiples of
 * {@link BitmapLayout#ENTRIES}. One thread.
 */
public final class FreedRuns {
    private final FreedBlocks freed;
    private final int maxBlocks;
    private int run = -1;
    // Of the run, what has not been told yet.
    private long nextBlock;
    private int left;
    private long firstBlock;
    private int blocks;

    FreedRuns(FreedBlocks freed, int maxBlocks) {
        this.freed = freed;
        this.maxBlocks = maxBlocks;
    }

    /** Goes to the next run. False behind the last. */
    public boolean next() {
        if (left == 0) {
            if (++run >= freed.runs()) {
                return false;
            }
            nextBlock = freed.firstBlock(run);
            left = freed.blocks(run);
        }
        firstBlock = nextBlock;
        blocks = Math.min(left, maxBlocks);
        nextBlock += blocks;
        left -= blocks;
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

package dev.gossamer.pdata.spacemap;

import java.util.Arrays;

/**
 * The blocks that one transaction freed. They stay out of use until it is committed: a crash before leads to a state
 * that uses them. Data blocks do until they are given back with {@link DiskSpaceMap#release}: I/O that looked its block
 * up before the commit may still be on its way.
 *
 * <p>Kept as runs of neighbours, {@value #RUN_BYTES} bytes for each, however many blocks it has.
 */
public final class FreedBlocks {
    static final FreedBlocks NONE = new FreedBlocks();

    /** What a run takes. */
    static final int RUN_BYTES = Long.BYTES;

    // A run lies in one bitmap, of fewer than 2^14 blocks: its first block above these bits, its length in them.
    private static final int LENGTH_BITS = 14;

    private long[] runs = new long[0];
    private int size;
    private long count;

    FreedBlocks() {}

    /** Adds what was freed in one bitmap, in ascending order of bitmaps or not. */
    void add(int bitmap, long[] bits) {
        long first = (long) bitmap * BitmapLayout.ENTRIES;
        int end = bits.length * Long.SIZE;
        for (int from = next(bits, 0, true); from < end; ) {
            int to = next(bits, from, false);
            addRun(first + from, to - from);
            from = next(bits, to, true);
        }
    }

    /** The first entry from one on that is set, or not set; behind the last if there is none. */
    private static int next(long[] bits, int from, boolean set) {
        for (int word = from / Long.SIZE; word < bits.length; word++) {
            long found = set ? bits[word] : ~bits[word];
            if (word == from / Long.SIZE) {
                found &= -1L << from;
            }
            if (found != 0) {
                return word * Long.SIZE + Long.numberOfTrailingZeros(found);
            }
        }
        return bits.length * Long.SIZE;
    }

    private void addRun(long firstBlock, int blocks) {
        if (size == runs.length) {
            runs = Arrays.copyOf(runs, Math.max(16, size * 2));
        }
        runs[size++] = firstBlock << LENGTH_BITS | blocks;
        count += blocks;
    }

    /** Lets go of room for more. */
    void complete() {
        runs = Arrays.copyOf(runs, size);
    }

    /** How many blocks were freed. */
    public long count() {
        return count;
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /** The blocks as runs of neighbours, none longer than {@code maxBlocks}. */
    public FreedRuns runs(int maxBlocks) {
        return new FreedRuns(this, maxBlocks);
    }

    int runs() {
        return size;
    }

    long firstBlock(int run) {
        return runs[run] >>> LENGTH_BITS;
    }

    int blocks(int run) {
        return (int) runs[run] & (1 << LENGTH_BITS) - 1;
    }
}

package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.Invariant;

/**
 * Count updates that wait until the one being applied is done, first in, first out.
 *
 * <p>The order is a matter of correctness: an update may be the increment of a block just allocated, and one further
 * back the decrement that frees it again. In order of arrival every prefix is a history that really happened.
 */
final class UpdateQueue {
    /**
     * An update adds at most those for one bitmap and one path of the overflow tree with its neighbours, fewer than 64,
     * and only the first time in a transaction that these are touched; growth adds one for each of at most 255 bitmaps.
     * The limit is far above, and is there so that a mistake does not eat the memory.
     */
    private static final int LIMIT = 1 << 16;

    private long[] blocks = new long[64];
    private int[] deltas = new int[64];
    private int head;
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    void add(long block, int delta) {
        if (size == blocks.length) {
            grow();
        }
        int at = (head + size) & (blocks.length - 1);
        blocks[at] = block;
        deltas[at] = delta;
        size++;
    }

    long headBlock() {
        return blocks[head];
    }

    int headDelta() {
        return deltas[head];
    }

    /** Takes off the head, once it has been applied. */
    void removeHead() {
        head = (head + 1) & (blocks.length - 1);
        size--;
    }

    /** What the waiting updates will add to a block's count. */
    int pendingDelta(long block) {
        int delta = 0;
        for (int i = 0; i < size; i++) {
            int at = (head + i) & (blocks.length - 1);
            if (blocks[at] == block) {
                delta += deltas[at];
            }
        }
        return delta;
    }

    /** Whether any update of the block waits, even if they cancel out. */
    boolean hasUpdateOf(long block) {
        for (int i = 0; i < size; i++) {
            if (blocks[(head + i) & (blocks.length - 1)] == block) {
                return true;
            }
        }
        return false;
    }

    private void grow() {
        Invariant.check(size < LIMIT, "too many reference-count updates in one operation");
        long[] newBlocks = new long[size * 2];
        int[] newDeltas = new int[size * 2];
        for (int i = 0; i < size; i++) {
            int at = (head + i) & (size - 1);
            newBlocks[i] = blocks[at];
            newDeltas[i] = deltas[at];
        }
        blocks = newBlocks;
        deltas = newDeltas;
        head = 0;
    }
}

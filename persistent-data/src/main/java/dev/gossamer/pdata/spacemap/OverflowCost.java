package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.KeysCost;
import java.util.Arrays;

/**
 * How many metadata blocks it takes that the counts of certain blocks change which are above 2 before or afterwards,
 * and so kept in a tree. Blocks whose counts change together often lie together, as children of one node do. Changes
 * nothing. Worker's thread.
 */
public final class OverflowCost {
    private final CountTable table;
    private final KeysCost keysCost;
    // As many as one step of work changes.
    private long[] blocks = new long[64];
    private int size;
    private boolean raises;
    private boolean lowers;

    OverflowCost(CountTable table, KeysCost keysCost) {
        this.table = table;
        this.keysCost = keysCost;
    }

    /** Forgets what it has been told. */
    public void clear() {
        size = 0;
        raises = false;
        lowers = false;
    }

    /** A count gets higher, and is above 2 then. */
    void raise(long block) {
        add(block);
        raises = true;
    }

    /** A count gets lower, and is above 2 now. */
    void lower(long block) {
        add(block);
        lowers = true;
    }

    /** A count that is above 2, or will be, changes. */
    public void change(long block) {
        add(block);
        raises = true;
        lowers = true;
    }

    private void add(long block) {
        if (size == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * size);
        }
        blocks[size++] = block;
    }

    /** Metadata blocks for all that it has been told, at most. */
    public long blocks() throws StorageException {
        Arrays.sort(blocks, 0, size);
        return keysCost.of(table.overflowRoot(), blocks, size, raises, lowers);
    }
}

package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.StorageException;
import java.util.BitSet;

/**
 * How many metadata blocks changing certain counts takes, found by looking at the counts: copies of those bitmaps that
 * the transaction has not copied yet, of the way to their index entries, and of what counts above 2 are kept in. An
 * upper bound that is tight, where one by the number of counts alone would have each in a bitmap of its own. Changes
 * nothing. Worker's thread.
 */
public final class CountCost {
    private final CountTable table;
    private final IndexCost index;
    private final BitSet bitmaps = new BitSet();
    private final OverflowCost overflow;

    /** Blocks that storing so many index entries takes. */
    interface IndexCost {
        long of(long entries) throws StorageException;
    }

    CountCost(CountTable table, IndexCost index) {
        this.table = table;
        this.index = index;
        this.overflow = table.overflowCost();
    }

    /** Forgets what it has been told. */
    public void clear() {
        bitmaps.clear();
        overflow.clear();
    }

    /** The block gets a reference more. */
    public void raise(long block) throws StorageException {
        add(block);
        if (table.count(block) >= BitmapLayout.OVERFLOW - 1) {
            overflow.raise(block);
        }
    }

    /** The block loses a reference. */
    public void lower(long block) throws StorageException {
        add(block);
        if (table.count(block) >= BitmapLayout.OVERFLOW) {
            overflow.lower(block);
        }
    }

    private void add(long block) throws StorageException {
        if (!table.isTouched(block)) {
            bitmaps.set((int) (block / BitmapLayout.ENTRIES));
        }
    }

    /** Metadata blocks for all that it has been told, with what the commit has to store of it, at most. */
    public long blocks() throws StorageException {
        int copies = bitmaps.cardinality();
        return copies + index.of(copies) + overflow.blocks();
    }
}

package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.Invariant;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * What is kept in memory of one bitmap: its {@link IndexEntry}, and which of its blocks changed between free and used
 * in the running transaction.
 */
final class Bitmap {
    static final long NOWHERE = -1;

    private static final int BIT_WORDS = BitmapLayout.ENTRIES / Long.SIZE;

    /** What one set of blocks takes. */
    static final int SET_BYTES = BIT_WORDS * Long.BYTES;

    /** Position in the index: counts blocks from {@code number * 16320} on. */
    final int number;

    long location;
    /** Where the last commit has it, with the counts of then; NOWHERE if it has none. */
    long committedLocation;

    // Where the frozen transaction has it, while one is being written.
    private long frozenLocation;
    /** Entries that are 0, those beyond the last counted block included. */
    int free;
    /** No entry below this one is 0; may lag behind the first that is. */
    int noneFreeBefore;
    /**
     * Whether the two above were found by counting. What the disk says of them is a hint: not every writer gets it
     * right.
     */
    boolean counted;
    /** Whether the index entry on disk is out of date. */
    boolean changed;

    // One bit per block. Used when this transaction began, free now; and the other way round. Null: none.
    private long[] freed;
    private long[] taken;
    private int freedCount;

    // One bit per block that is free and not to be allocated yet: freed by earlier transactions. Null: none.
    private long[] withheld;
    private int withheldCount;

    Bitmap(int number, IndexEntry entry) {
        this.number = number;
        location = entry.location();
        committedLocation = location;
        free = entry.free();
        noneFreeBefore = entry.noneFreeBefore();
    }

    /** A new bitmap, all zero. */
    static Bitmap empty(int number, long location) {
        Bitmap bitmap = new Bitmap(number, new IndexEntry(location, BitmapLayout.ENTRIES, 0));
        bitmap.committedLocation = NOWHERE;
        bitmap.counted = true;
        bitmap.changed = true;
        return bitmap;
    }

    IndexEntry indexEntry() {
        return new IndexEntry(location, free, noneFreeBefore);
    }

    /** Counts the free entries of the loaded block. */
    void countFree(MetadataBlock block) {
        free = 0;
        noneFreeBefore = BitmapLayout.ENTRIES;
        for (int word = 0; word < BitmapLayout.WORDS; word++) {
            int mask = BitmapLayout.freeMask(block, word);
            if (mask != 0 && free == 0) {
                noneFreeBefore = word * Integer.SIZE + Integer.numberOfTrailingZeros(mask);
            }
            free += Integer.bitCount(mask);
        }
        counted = true;
    }

    /** An entry went from 0 to something. */
    void becameUsed(int entry) {
        free--;
        if (noneFreeBefore == entry) {
            noneFreeBefore = entry + 1;
        }
        if (isSet(freed, entry)) {
            clear(freed, entry);
            freedCount--;
        } else {
            taken = set(taken, entry);
        }
    }

    /** An entry went to 0. With {@code withhold} it counts as freed even if only this transaction used it. */
    void becameFree(int entry, boolean withhold) {
        free++;
        noneFreeBefore = Math.min(noneFreeBefore, entry);
        boolean wasTaken = isSet(taken, entry);
        if (wasTaken) {
            clear(taken, entry);
        }
        if (withhold || !wasTaken) {
            freed = set(freed, entry);
            freedCount++;
        }
    }

    /** Entries that are free now but were used when this transaction began. */
    int freedCount() {
        return freedCount;
    }

    /** Entries that are free now and cannot be allocated yet. */
    int excludedCount() {
        return freedCount + withheldCount;
    }

    /** Bits of {@link #excludedCount}, 32 entries from {@code 32 * word} on. */
    int excludedMask(int word) {
        return (freed == null ? 0 : half(freed, word)) | (withheld == null ? 0 : half(withheld, word));
    }

    /** Whether there are blocks that were freed by earlier transactions, and so a set of them in memory. */
    boolean hasWithheld() {
        return withheldCount > 0;
    }

    /** Keeps free entries from being allocated. */
    void withhold(int from, int count) {
        for (int entry = from; entry < from + count; entry++) {
            Invariant.check(!isSet(withheld, entry), "freed blocks withheld twice");
            withheld = set(withheld, entry);
        }
        withheldCount += count;
    }

    /** Ends that. */
    void release(int from, int count) {
        for (int entry = from; entry < from + count; entry++) {
            Invariant.check(isSet(withheld, entry), "freed blocks released twice");
            clear(withheld, entry);
        }
        withheldCount -= count;
        if (withheldCount == 0) {
            withheld = null;
        }
    }

    /** The transaction ends. Returns the bits of blocks that it freed, or null. */
    long[] freeze() {
        long[] result = freedCount == 0 ? null : freed;
        freed = null;
        taken = null;
        freedCount = 0;
        frozenLocation = location;
        return result;
    }

    /** The frozen state is the committed one. */
    void committed() {
        committedLocation = frozenLocation;
    }

    static int half(long[] bits, int word) {
        return (int) (bits[word >>> 1] >>> ((word & 1) * Integer.SIZE));
    }

    private static boolean isSet(long[] bits, int entry) {
        return bits != null && (bits[entry / Long.SIZE] >>> entry & 1) != 0;
    }

    private static long[] set(long[] bits, int entry) {
        long[] target = bits == null ? new long[BIT_WORDS] : bits;
        target[entry / Long.SIZE] |= 1L << entry;
        return target;
    }

    private static void clear(long[] bits, int entry) {
        bits[entry / Long.SIZE] &= ~(1L << entry);
    }
}

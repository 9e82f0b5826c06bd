package dev.gossamer.thin.extent;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A volume's published mappings: {@link Region}s by number, in a table of two levels.
 *
 * <p>Loops read with {@link #region}; the worker alone writes with {@link #publish}. An entry says what a loop may do
 * <em>without</em> the worker; null is "ask the worker". Dropping an entry is therefore always right, and memory is
 * bounded by doing so ({@code RegionCache}).
 *
 * <p>Memory: a volume of which nothing is known has no tables. From the first region on the upper level takes 4 bytes
 * for each 32 GiB of the volume (blocks of 64 KiB; 128 KiB for a PiB), and each 32 GiB of which a region is known 4
 * KiB. A table goes with its last region. {@link #words} counts all of it, and the regions.
 */
public final class ExtentMap {
    /** Regions behind one slot of the upper level: 1024 regions of 512 blocks are 32 GiB of 64 KiB blocks. */
    private static final int FAN_OUT = 1024;

    /** A table beside its slots: its own header and fields, and its array's. */
    private static final int TABLE_WORDS = 5;

    /** Slots in a word: references have 4 bytes in heaps below 32 GiB. */
    private static final int SLOTS_PER_WORD = 2;

    private static final int LOWER_WORDS = TABLE_WORDS + FAN_OUT / SLOTS_PER_WORD;
    private static final AtomicReferenceArray<Lower> NOTHING = new AtomicReferenceArray<>(0);

    /** A table of the lower level, and how many regions are in it: for the worker. */
    private static final class Lower extends AtomicReferenceArray<long[]> {
        private static final long serialVersionUID = 1;
        private int regions;

        Lower() {
            super(FAN_OUT);
        }
    }

    // Written by the worker (release), read by loops (acquire): what an array refers to is complete when it is seen. A
    // table
    // that was taken out holds nothing and is never written again, so whoever still looks into it asks the worker.
    private volatile AtomicReferenceArray<Lower> table = NOTHING;

    // The worker's.
    private int slots;
    private int lowers;
    private long words;

    public ExtentMap(long blocks) {
        slots = slotsFor(blocks);
    }

    /** The region of that number, or null if the worker must be asked. Any thread. */
    public long[] region(long regionNumber) {
        AtomicReferenceArray<Lower> upper = table;
        long slot = regionNumber / FAN_OUT;
        if (slot >= upper.length()) {
            return null;
        }
        Lower lower = upper.getAcquire((int) slot);
        return lower == null ? null : lower.getAcquire((int) (regionNumber % FAN_OUT));
    }

    /**
     * Replaces a region; null withdraws it. One beyond the end, from before the volume shrank, is not kept. For the
     * worker.
     */
    public void publish(long regionNumber, long[] region) {
        long slot = regionNumber / FAN_OUT;
        if (slot >= slots) {
            return;
        }
        Lower lower = lower((int) slot, region != null);
        if (lower == null) {
            return;
        }
        int index = (int) (regionNumber % FAN_OUT);
        long[] old = lower.getPlain(index);
        lower.setRelease(index, region);
        words += Region.words(region) - Region.words(old);
        lower.regions += (region == null ? 0 : 1) - (old == null ? 0 : 1);
        if (lower.regions == 0) {
            table.setRelease((int) slot, null);
            words -= LOWER_WORDS;
            if (--lowers == 0) {
                withdrawAll();
            }
        }
    }

    /** The table of a slot; made if there is none and {@code make}, else null. */
    private Lower lower(int slot, boolean make) {
        if (lowers == 0) {
            if (!make) {
                return null;
            }
            table = new AtomicReferenceArray<>(slots);
            words = TABLE_WORDS + (slots + SLOTS_PER_WORD - 1L) / SLOTS_PER_WORD;
        }
        Lower lower = table.getPlain(slot);
        if (lower == null && make) {
            lower = new Lower();
            lowers++;
            words += LOWER_WORDS;
            table.setRelease(slot, lower);
        }
        return lower;
    }

    private void withdrawAll() {
        table = NOTHING;
        lowers = 0;
        words = 0;
    }

    /** Withdraws everything and takes the volume's new size in blocks. For the worker. */
    public void reset(long blocks) {
        withdrawAll();
        slots = slotsFor(blocks);
    }

    /** Longs that the tables and the regions in them take on the heap, their headers included. For the worker. */
    public long words() {
        return words;
    }

    /** Regions needed for a volume of so many blocks. */
    public static long regionsFor(long blocks) {
        return (blocks + Region.BLOCKS - 1) >>> Region.BLOCK_BITS;
    }

    /** The region a block is in. */
    public static long regionOf(long virtualBlock) {
        return virtualBlock >>> Region.BLOCK_BITS;
    }

    /** The block's place in its region. */
    public static int blockInRegion(long virtualBlock) {
        return (int) virtualBlock & (Region.BLOCKS - 1);
    }

    private static int slotsFor(long blocks) {
        return Math.toIntExact(Math.max(1, (regionsFor(blocks) + FAN_OUT - 1) / FAN_OUT));
    }
}

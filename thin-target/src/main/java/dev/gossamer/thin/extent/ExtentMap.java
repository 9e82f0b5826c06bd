package dev.gossamer.thin.extent;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A volume's published mappings: {@link Region}s by number, in a table of two levels.
 *
 * <p>Loops read with {@link #region}; the worker alone writes with {@link #publish}. An entry says what a loop may do
 * <em>without</em> the worker; null is "ask the worker". Dropping an entry is therefore always right, and memory is
 * bounded by doing so ({@link RegionCache}).
 */
public final class ExtentMap {
    /** Regions behind one slot of the upper level: 1024 regions of 512 blocks are 32 GiB of 64 KiB blocks. */
    private static final int FAN_OUT = 1024;

    // Written by the worker (release), read by loops (acquire): what an array refers to is complete when it is seen.
    private volatile AtomicReferenceArray<AtomicReferenceArray<long[]>> table;

    public ExtentMap(long blocks) {
        table = new AtomicReferenceArray<>(slotsFor(blocks));
    }

    /** The region of that number, or null if the worker must be asked. Any thread. */
    public long[] region(long regionNumber) {
        AtomicReferenceArray<AtomicReferenceArray<long[]>> upper = table;
        long slot = regionNumber / FAN_OUT;
        if (slot >= upper.length()) {
            return null;
        }
        AtomicReferenceArray<long[]> lower = upper.getAcquire((int) slot);
        return lower == null ? null : lower.getAcquire((int) (regionNumber % FAN_OUT));
    }

    /**
     * Replaces a region; null withdraws it. One beyond the end, from before the volume shrank, is not kept. For the worker.
     */
    public void publish(long regionNumber, long[] region) {
        int slot = (int) (regionNumber / FAN_OUT);
        if (slot >= table.length()) {
            return;
        }
        AtomicReferenceArray<long[]> lower = table.getPlain(slot);
        if (lower == null) {
            if (region == null) {
                return;
            }
            lower = new AtomicReferenceArray<>(FAN_OUT);
            table.setRelease(slot, lower);
        }
        lower.setRelease((int) (regionNumber % FAN_OUT), region);
    }

    /** Withdraws everything and takes the volume's new size in blocks. For the worker. */
    public void reset(long blocks) {
        table = new AtomicReferenceArray<>(slotsFor(blocks));
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

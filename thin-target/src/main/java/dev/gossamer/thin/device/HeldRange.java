package dev.gossamer.thin.device;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;

/**
 * A job's hold on some blocks of a volume, mapped or not: writes and trims wait, reads go on (CL-2). No wider than
 * {@link #MAX_BLOCKS}, so that nobody waits for long. Two holds of one volume never overlap; {@code RangeLocks} sees to
 * that. Worker's thread.
 */
public final class HeldRange {
    /** The width of a TRIM's step, too (L-4). */
    public static final int MAX_BLOCKS = 1024;

    public final ThinDevice device;

    /** First block. */
    public final long from;

    /** Exclusive. */
    public final long to;

    /** Requests to be looked at again once the hold is over. */
    public final RequestQueue waiting = new RequestQueue();

    // Runs once no cell is left in the range; null if nobody waits for that.
    private Runnable whenClear;

    /** @param to exclusive; there is at least one block */
    public HeldRange(ThinDevice device, long from, long to) {
        this.device = device;
        this.from = from;
        this.to = to;
    }

    /** Whether the hold has a block in common with {@code [otherFrom, otherTo)}. */
    public boolean meets(long otherFrom, long otherTo) {
        return from < otherTo && otherFrom < to;
    }

    /** Keeps a request that changes what is held. @return false if it may go on */
    boolean keep(BlockRequest request) {
        if (request.operation() == BlockOperation.READ) {
            return false;
        }
        long first = request.offsetBytes() / device.blockBytes();
        long end = Math.ceilDiv(request.offsetBytes() + request.lengthBytes(), (long) device.blockBytes());
        if (!meets(first, end)) {
            return false;
        }
        waiting.add(request);
        return true;
    }

    /** What loops may see of a region: what is held may be read, and nothing else. */
    public long[] shownIn(long regionNumber, long[] region) {
        long first = regionNumber << Long.numberOfTrailingZeros(Region.BLOCKS);
        long start = Math.max(from, first) - first;
        long end = Math.min(to, first + Region.BLOCKS) - first;
        if (ExtentMap.regionOf(to - 1) < regionNumber || start >= end) {
            return region;
        }
        return Region.withKind(region, (int) start, (int) end, Region.HELD);
    }

    void waitUntilClear(Runnable task) {
        whenClear = task;
    }

    /** The task that waits for the range to be clear, once. Null if there is none. */
    Runnable takeWhenClear() {
        Runnable task = whenClear;
        whenClear = null;
        return task;
    }
}

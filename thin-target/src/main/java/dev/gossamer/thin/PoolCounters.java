package dev.gossamer.thin;

import dev.gossamer.io.DurationHistogram;
import java.util.concurrent.atomic.LongAdder;

/**
 * What a pool's worker has done since it was opened, and what its maps take. Any thread may read.
 *
 * <p>The worker writes all but none on the path of mapped I/O, so the adders cost nothing there.
 */
public final class PoolCounters {
    /** Requests that came to the worker because a loop could not serve them alone. */
    public final LongAdder deferredRequests = new LongAdder();

    /** What extent maps take on the heap now, in bytes; bounded by {@link PoolCaches#regionWords}. */
    public final LongAdder extentMapBytes = new LongAdder();

    /** Data blocks allocated for writes to unmapped space. */
    public final LongAdder provisionedBlocks = new LongAdder();

    /** Data blocks copied, or overwritten whole, because a snapshot shares the old one. */
    public final LongAdder brokenSharings = new LongAdder();

    /** Blocks that are written in place again, because nobody shares them any more. */
    public final LongAdder endedSharings = new LongAdder();

    /** Mappings removed by TRIM and WRITE_ZEROES. */
    public final LongAdder unmappedBlocks = new LongAdder();

    /** For how long snapshots and rollbacks have held writes back (MSG-6). */
    public final DurationHistogram barrierDurations = new DurationHistogram();

    /** Freed data blocks discarded on the data device. */
    public final LongAdder discardedBlocks = new LongAdder();

    /**
     * Freed data blocks released without a discard: somebody waited for space, or the device was too slow or failed.
     */
    public final LongAdder undiscardedBlocks = new LongAdder();

    /** Discards that the data device failed. */
    public final LongAdder failedDiscards = new LongAdder();

    /** Data blocks provisioned without writing zeros around the data, because they were known to be zero. */
    public final LongAdder zeroedForFree = new LongAdder();

    /** Metadata transactions committed. */
    public final LongAdder commits = new LongAdder();

    /** FLUSH and FUA requests answered by those commits. */
    public final LongAdder commitWaiters = new LongAdder();

    /** Data blocks mapped in the next transaction while one was being written. */
    public final LongAdder mappedDuringCommit = new LongAdder();

    /** How long the commits took; the worker goes on meanwhile. */
    public final DurationHistogram commitDurations = new DurationHistogram();

    private volatile long lastCommitNanos;

    /** When the last commit ended, by the worker's clock; 0 before the first. */
    public long lastCommitNanos() {
        return lastCommitNanos;
    }

    /** A commit has ended, at {@code nowNanos} by the worker's clock, after so long. */
    public void committed(long nowNanos, long tookNanos) {
        commits.increment();
        commitDurations.add(tookNanos);
        lastCommitNanos = nowNanos;
    }
}

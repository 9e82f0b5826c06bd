package dev.gossamer.thin.space;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.spacemap.FreedBlocks;
import dev.gossamer.pdata.spacemap.FreedRuns;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Freed data blocks on their way from one owner to the next (rule DI-6a). It is in memory only: in the metadata the
 * blocks are free, so a crash loses discards and leaks nothing. What goes in here:
 *
 * <ol>
 *   <li>A commit has made the blocks free and is stable; before it, a crash would bring the old contents back.
 *   <li>Every request that may have looked them up has ended (L-6).
 *   <li>Here they are discarded on the data device, run by run, each run after a second look that nobody refers to its
 *       blocks (DI-7).
 *   <li>Only then may they be allocated: a discard that comes late would destroy the next owner's data (DI-6).
 * </ol>
 *
 * <p>A discard is advice. If it fails, that is counted (DI-8); if somebody waits for space, or there are too many
 * batches, blocks are released without it.
 *
 * <p>Worker's thread.
 */
public final class Quarantine {
    /** A discard covers at most so many blocks (DI-5), so that none takes long. */
    static final int RUN_BLOCKS = 1024;

    /** Enough to keep a disk busy; more would stand in the way of reads and writes. */
    private static final int MAX_IN_FLIGHT = 4;

    /** Batches waiting, one per commit, each some KiB. More are released without a discard: the disk cannot keep up. */
    private static final int MAX_BATCHES = 64;

    /** Closing a pool waits this long for discards that have not begun. */
    private static final long CLOSE_PATIENCE_NANOS = 2_000_000_000L;

    private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

    private final SpaceWaiters spaceWaiters;
    private final IoLoop loop;
    private final BlockDevice data;
    private final PoolMetadata metadata;
    private final PoolCounters counters;
    private final boolean passesDown;
    private final ArrayDeque<FreedBlocks> batches = new ArrayDeque<>();
    private final BlockCompletion afterDiscard = this::afterDiscard;
    private FreedBlocks current;
    private FreedRuns runs;
    private long undiscardedBlocks;
    private int inFlight;
    private boolean pumping;
    private Runnable whenEmpty;
    private long closeBy;

    public Quarantine(
            SpaceWaiters spaceWaiters,
            IoLoop loop,
            BlockDevice data,
            PoolMetadata metadata,
            PoolCounters counters,
            boolean passesDown) {
        this.spaceWaiters = spaceWaiters;
        this.loop = loop;
        this.data = data;
        this.metadata = metadata;
        this.counters = counters;
        this.passesDown = passesDown;
    }

    /** Takes in what a commit has freed, once no request uses it any more. */
    void add(FreedBlocks freed) {
        if (!passesDown) {
            release(freed);
        } else if (batches.size() == MAX_BATCHES) {
            counters.undiscardedBlocks.add(freed.count());
            release(freed);
        } else {
            batches.add(freed);
            pump();
        }
    }

    /** The metadata was read anew: what is in here is free there. Discards under way go on, none begins. */
    public void aborted() {
        batches.clear();
        current = null;
        runs = null;
        if (inFlight == 0) {
            emptied();
        }
    }

    /**
     * Calls back when nothing is left, or when that takes too long and nothing is under way. No {@link #add} after
     * that.
     */
    public void close(Runnable whenClosed) {
        whenEmpty = whenClosed;
        closeBy = loop.nanoTime() + CLOSE_PATIENCE_NANOS;
        pump();
    }

    private void pump() {
        if (pumping) {
            return;
        }
        pumping = true;
        try {
            while (inFlight < MAX_IN_FLIGHT && nextRun()) {
                discard(runs.firstBlock(), runs.blocks());
            }
        } finally {
            pumping = false;
        }
        if (inFlight == 0) {
            emptied();
        }
    }

    /** Goes to the next run to discard. A batch ends when its last discard has returned. */
    private boolean nextRun() {
        while (true) {
            if (current == null) {
                current = batches.poll();
                if (current == null) {
                    return false;
                }
                runs = current.runs(RUN_BLOCKS);
                undiscardedBlocks = current.count();
            }
            if (!isHurried() && runs.next()) {
                undiscardedBlocks -= runs.blocks();
                return true;
            }
            if (inFlight > 0) {
                return false;
            }
            counters.undiscardedBlocks.add(undiscardedBlocks);
            FreedBlocks done = current;
            current = null;
            release(done);
        }
    }

    private boolean isHurried() {
        return spaceWaiters.isWaiting() || (whenEmpty != null && loop.nanoTime() > closeBy);
    }

    private void discard(long firstBlock, int blocks) {
        try {
            if (!metadata.isUnreferenced(firstBlock, blocks)) {
                LOG.error("data blocks {} to {} were freed but are in use", firstBlock, firstBlock + blocks - 1);
                counters.undiscardedBlocks.add(blocks);
                return;
            }
        } catch (StorageException e) {
            LOG.warn("data blocks from {} not discarded: {}", firstBlock, e.getMessage());
            counters.undiscardedBlocks.add(blocks);
            return;
        }
        long blockBytes = metadata.blockBytes();
        BlockRequest request = loop.requests().acquire();
        inFlight++;
        request.command(BlockOperation.DISCARD, firstBlock * blockBytes, blocks * blockBytes, 0);
        request.push(afterDiscard);
        data.start(request);
    }

    private void afterDiscard(BlockRequest request, int errno) {
        long blocks = request.lengthBytes() / metadata.blockBytes();
        request.recycle();
        inFlight--;
        if (errno == Errno.OK) {
            counters.discardedBlocks.add(blocks);
        } else {
            counters.failedDiscards.increment();
            counters.undiscardedBlocks.add(blocks);
        }
        pump();
    }

    private void release(FreedBlocks freed) {
        metadata.releaseFreedDataBlocks(freed);
        spaceWaiters.spaceReleased();
    }

    private void emptied() {
        if (whenEmpty != null && current == null && batches.isEmpty()) {
            Runnable closed = whenEmpty;
            whenEmpty = null;
            closed.run();
        }
    }
}

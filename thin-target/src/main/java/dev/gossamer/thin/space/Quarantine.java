package dev.gossamer.thin.space;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.LimitedLog;
import dev.gossamer.io.LogLimit;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.spacemap.FreedBlocks;
import dev.gossamer.pdata.spacemap.FreedRuns;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Freed data blocks on their way from one owner to the next (rule DI-6a). It is in memory only: in the metadata the
 * blocks are free, so a crash loses discards and leaks nothing. What goes in here:
 *
 * <ol>
 *   <li>A commit has made the blocks free and is stable; before it, a crash would bring the old contents back.
 *   <li>Every request that may have looked them up has ended (L-6).
 *   <li>Here they are discarded on the data device, one run of neighbours after the other as {@link DiscardPace} says,
 *       each after a second look that nobody refers to its blocks (DI-7).
 *   <li>Only then may they be allocated: a discard that comes late would destroy the next owner's data (DI-6).
 * </ol>
 *
 * <p>A discard is advice. If it fails, that is counted (DI-8); if somebody waits for space, or there are too many
 * batches, blocks are released without it.
 *
 * <p>Worker's thread.
 */
public final class Quarantine {
    /** Batches waiting, one per commit, each some KiB. More are released without a discard: the disk cannot keep up. */
    private static final int MAX_BATCHES = 64;

    /** Closing a pool waits this long for discards that have not begun. */
    private static final long CLOSE_PATIENCE_NANOS = 2_000_000_000L;

    private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

    private final SpaceWaiters spaceWaiters;
    private final IoLoop loop;
    private final LimitedLog failures;
    private final BlockDevice data;
    private final PoolMetadata metadata;
    private final PoolCounters counters;
    private final boolean passesDown;
    private final ArrayDeque<FreedBlocks> batches = new ArrayDeque<>();
    private final BlockCompletion afterDiscard = this::afterDiscard;
    private FreedBlocks current;
    private final DiscardPace pace = new DiscardPace();
    private FreedRuns runs;
    // What is discarded now, and what is left of its run behind it.
    private long firstBlock;
    private int blocks;
    private int left;
    private long undiscardedBlocks;
    private boolean discarding;
    private long begun;
    private boolean pausing;
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
        this.failures = new LimitedLog(LOG, Level.ERROR, "blocks not discarded", LogLimit.onePerSecond(), loop);
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
        if (!discarding) {
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
            while (!discarding && mayGoOn() && nextRun()) {
                discard();
            }
        } finally {
            pumping = false;
        }
        if (!discarding) {
            emptied();
        }
    }

    /** A pause holds unless somebody waits for what is in here. */
    private boolean mayGoOn() {
        return !pausing || whenEmpty != null || spaceWaiters.isWaiting();
    }

    /** Goes to the next blocks to discard. A batch ends when its last discard has returned. */
    private boolean nextRun() {
        while (true) {
            if (current == null) {
                current = batches.poll();
                if (current == null) {
                    return false;
                }
                runs = current.runs(DiscardPace.MAX_BLOCKS);
                left = 0;
                undiscardedBlocks = current.count();
            }
            if (!isHurried() && nextPiece()) {
                undiscardedBlocks -= blocks;
                return true;
            }
            counters.undiscardedBlocks.add(undiscardedBlocks);
            FreedBlocks done = current;
            current = null;
            release(done);
        }
    }

    /** Goes to the next blocks of the batch, as many as the pace allows of a run. */
    private boolean nextPiece() {
        if (left == 0) {
            if (!runs.next()) {
                return false;
            }
            firstBlock = runs.firstBlock();
            left = runs.blocks();
        } else {
            firstBlock += blocks;
        }
        blocks = Math.min(left, pace.blocks());
        left -= blocks;
        return true;
    }

    private boolean isHurried() {
        return spaceWaiters.isWaiting() || (whenEmpty != null && loop.nanoTime() > closeBy);
    }

    private void discard() {
        try {
            if (!metadata.isUnreferenced(firstBlock, blocks)) {
                failures.line("data blocks {} to {} were freed but are in use", firstBlock, firstBlock + blocks - 1);
                counters.undiscardedBlocks.add(blocks);
                return;
            }
        } catch (StorageException e) {
            failures.line("data blocks from {} not discarded: {}", firstBlock, e.getMessage());
            counters.undiscardedBlocks.add(blocks);
            return;
        }
        long blockBytes = metadata.blockBytes();
        // What is thrown here must leave nothing waited for.
        begun = loop.nanoTime();
        BlockRequest request = loop.requests().acquire();
        discarding = true;
        request.command(BlockOperation.DISCARD, firstBlock * blockBytes, blocks * blockBytes, 0);
        request.push(afterDiscard);
        data.start(request);
    }

    private void afterDiscard(BlockRequest request, int errno) {
        request.recycle();
        discarding = false;
        if (errno == Errno.OK) {
            counters.discardedBlocks.add(blocks);
        } else {
            counters.failedDiscards.increment();
            counters.undiscardedBlocks.add(blocks);
        }
        try {
            pause(pace.ended(blocks, loop.nanoTime() - begun));
        } finally {
            pump();
        }
    }

    private void pause(long nanos) {
        if (nanos > 0 && !pausing) {
            loop.schedule(this::pauseOver, nanos);
            pausing = true;
        }
    }

    private void pauseOver() {
        pausing = false;
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

package dev.gossamer.thin;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.FrozenTransaction;
import dev.gossamer.pdata.spacemap.FreedBlocks;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits a pool's transactions. On the worker's loop, but for {@link #waitForCommit} and {@link #isUncommitted}.
 *
 * <p>The order is law (rule G-2): changed details and space maps go into dirty blocks; these are written and the data
 * device is flushed; the metadata device is flushed; the superblock is written and made stable. If we crash before
 * that, the old superblock names the old trees, none of which was touched. If we crash after it, the new trees are
 * complete because of the metadata's flush, and the data they name is there because of the data's. Without the latter,
 * a new mapping could survive a power cut that loses what was copied, zeroed or written into its block, even in sectors
 * the user never touched.
 *
 * <p>The worker does not wait for that. A transaction is frozen, and while it is written the next one begins: two
 * transactions are open, and the fate of both is that of the first. What is used by the last stable state or by the
 * frozen one is neither allocated nor written. One is written at a time.
 *
 * <p>All requests that wait when a commit begins share it (G-5). Who comes later waits for the next one, although the
 * one under way may have all of its mappings: the flush of the data device may have begun before its data arrived
 * there. Blocks freed by a transaction are given out again only after its commit <em>and</em> after all requests that
 * may still use the old mappings have ended.
 *
 * <p>Management operations commit before they answer, and wait for it ({@link #commitNow}). They begin when nothing is
 * being written ({@link #whenQuiet}): their steps are not cut in pieces, and new sharing is never in a transaction of
 * which nobody knows yet whether it is stable ({@link dev.gossamer.thin.metadata.PoolMetadata#isExclusive} relies on
 * that).
 */
final class Committer {
    private static final Logger LOG = LoggerFactory.getLogger(Committer.class);

    /** A transaction with changes is committed after this time if nobody asks earlier (G-1). */
    static final long PERIOD_NANOS = 1_000_000_000L;

    private final PoolWorker worker;
    private final PoolLoops loops;
    private final PoolFaults faults;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final BlockDevice data;
    private final PoolCounters counters;

    // Pushed by loops, taken by the worker.
    private final RequestStack waiters = new RequestStack();
    private final Runnable pass = this::pass;
    private boolean passQueued;
    private boolean periodicArmed;
    private boolean closed;

    /** The open transaction's number; worker only. */
    private long transaction = 1;

    // Of the commit that is being written.
    private boolean writesMetadata;
    private long writingIncarnation;
    private long writingSinceNanos;
    private BlockRequest covered;
    // Somebody wants another commit after this one.
    private boolean again;
    // Management operations, and blocks that want to be mapped when metadata is short: few, and bounded by who starts
    // them.
    private final ArrayDeque<Runnable> whenQuiet = new ArrayDeque<>();

    // Written by the worker after the superblock is stable, read by loops to tell whether a flush needs the worker.
    private volatile long committedTransaction;

    Committer(PoolWorker worker, PoolLoops loops, PoolFaults faults, IoLoop loop, PoolMetadata metadata, BlockDevice data, PoolCounters counters) {
        this.worker = worker;
        this.loops = loops;
        this.faults = faults;
        this.loop = loop;
        this.metadata = metadata;
        this.data = data;
        this.counters = counters;
    }

    /** Any thread. */
    boolean isUncommitted(ThinDevice device) {
        return device.changedInTransaction > committedTransaction;
    }

    /** Parks a request until a commit that begins after this call is done. Any thread. */
    void waitForCommit(BlockRequest request) {
        if (waiters.push(request)) {
            loop.execute(pass);
        }
    }

    /** Notes that the open transaction has changed a device; call before the change is published (G-7a). */
    void changed(ThinDevice device) {
        device.changedInTransaction = transaction;
        armPeriodic();
    }

    /** Notes that the open transaction has changed something that is no volume's. */
    void changed() {
        armPeriodic();
    }

    /** Commits at the end of what is queued now. */
    void commitSoon() {
        if (!passQueued) {
            passQueued = true;
            loop.execute(pass);
        }
    }

    /** Whether a commit, and waiting for requests under way, may make blocks free that cannot be allocated yet. */
    boolean canFreeBlocks() {
        return metadata.isChanged()
                || metadata.hasFreedDataBlocks()
                || worker.reclaimer().isPending();
    }

    /** Whether metadata blocks will come free by commits, the one under way included. */
    boolean canFreeMetadata() {
        return metadata.isChanged() || isWriting();
    }

    /** Whether a commit is being written, or an aborted one has I/O under way. */
    boolean isWriting() {
        return !metadata.writer().isIdle();
    }

    /** Runs a task now, or else as soon as no commit is being written. */
    void whenQuiet(Runnable task) {
        if (isWriting()) {
            whenQuiet.add(task);
        } else {
            task.run();
        }
    }

    /**
     * Commits and waits for it, for a management operation that has changed metadata. Only while it is {@linkplain
     * #whenQuiet quiet}.
     *
     * @throws StorageException if it failed; the transaction has been aborted
     */
    void commitNow() throws StorageException {
        Invariant.check(!isWriting(), "two commits at once");
        boolean changes = metadata.isChanged();
        long began = loop.nanoTime();
        try {
            FrozenTransaction frozen = metadata.freeze();
            metadata.writer().writeNow(frozen, data);
        } catch (StorageException e) {
            failed(changes, e);
            throw e;
        }
        if (changes) {
            committedTransaction = transaction;
            transaction++;
            committed(began);
        }
    }

    /** The pool is closed; a timer that is still armed must not touch its devices. */
    void close() {
        closed = true;
    }

    /** The open transaction is gone, and the one being written: nothing of them will be committed. */
    void aborted() {
        transaction++;
        committedTransaction = transaction - 1;
    }

    private void armPeriodic() {
        if (!periodicArmed) {
            periodicArmed = true;
            loop.schedule(
                    () -> {
                        periodicArmed = false;
                        if (!closed && metadata.isChanged()) {
                            pass();
                        }
                    },
                    PERIOD_NANOS);
        }
    }

    private void pass() {
        passQueued = false;
        if (isWriting()) {
            again = true;
            return;
        }
        covered = waiters.takeAll();
        try {
            if (worker.mode() == PoolMode.FAIL) {
                // The space maps in memory may be anything (E-7).
                throw new StorageException(Errno.EIO, worker.state().cause());
            }
            if (worker.spaceWaiters().isWaiting()) {
                worker.reclaimer().stepNow();
            }
            if (metadata.isChanged() || covered != null) {
                begin();
            } else {
                lookForSpace();
            }
        } catch (StorageException e) {
            failed(metadata.isChanged(), e);
            answer(Errno.EIO);
        } catch (AssertionError | RuntimeException bug) {
            faults.failed(bug);
            answer(Errno.EIO);
        }
    }

    private void begin() throws StorageException {
        writingSinceNanos = loop.nanoTime();
        writingIncarnation = faults.incarnation();
        writesMetadata = metadata.isChanged();
        FrozenTransaction frozen = metadata.freeze();
        if (writesMetadata) {
            transaction++;
        }
        metadata.writer().start(frozen, loop, data, this::written);
    }

    /** The commit under way has ended, in one way or the other; nothing of it is at the devices any more. */
    private void written(StorageException failure) {
        int errno = Errno.EIO;
        try {
            // After an abort neither success nor failure means anything.
            if (faults.incarnation() == writingIncarnation) {
                if (failure != null) {
                    failed(writesMetadata || metadata.isChanged(), failure);
                } else {
                    errno = Errno.OK;
                    if (writesMetadata) {
                        committedTransaction = transaction - 1;
                        committed(writingSinceNanos);
                    }
                }
            }
            answer(errno);
            lookForSpace();
        } catch (AssertionError | RuntimeException bug) {
            faults.failed(bug);
            answer(Errno.EIO);
        }
        for (Runnable task = whenQuiet.poll(); task != null; task = whenQuiet.poll()) {
            runQuiet(task);
        }
        if (again) {
            again = false;
            commitSoon();
        }
    }

    private void runQuiet(Runnable task) {
        try {
            task.run();
        } catch (AssertionError | RuntimeException bug) {
            // Those behind it must not wait for ever.
            faults.failed(bug);
        }
    }

    private void committed(long beganNanos) {
        FreedBlocks freed = metadata.committed();
        counters.commits.increment();
        counters.commitNanos.add(loop.nanoTime() - beganNanos);
        if (!worker.resize().extendIfLow()) {
            worker.monitor().committed();
        }
        if (!freed.isEmpty()) {
            releaseWhenUnused(freed);
        }
    }

    /** Without changes there is nothing to abort: who asked is told, and the pool goes on. */
    private void failed(boolean changes, StorageException e) {
        if (changes) {
            faults.abort(e);
        } else {
            LOG.warn("flush failed: {}", e.getMessage());
        }
    }

    private void answer(int errno) {
        while (covered != null) {
            BlockRequest first = covered;
            covered = first.next;
            first.next = null;
            counters.commitWaiters.increment();
            boolean lost = ((ThinVolume) first.parkedBy()).device().lostChanges;
            loops.handBack(first, lost ? Errno.EIO : errno);
        }
    }

    /**
     * If there is nothing to wait for, who wanted space looks again now, at the metadata blocks that came free, too.
     */
    private void lookForSpace() {
        if (!metadata.hasWithheldDataBlocks()) {
            worker.spaceWaiters().spaceReleased();
        }
    }

    /** Requests that looked up a mapping before it went may still be on their way to a freed block: wait for them. */
    private void releaseWhenUnused(FreedBlocks freed) {
        long incarnation = faults.incarnation();
        loops.drain(() -> {
            if (faults.incarnation() == incarnation) {
                worker.quarantine().add(freed);
            }
        });
    }
}

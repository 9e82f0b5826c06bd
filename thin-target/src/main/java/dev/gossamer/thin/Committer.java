package dev.gossamer.thin;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.spacemap.FreedBlocks;
import dev.gossamer.thin.metadata.PoolMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits a pool's transactions. On the worker's loop, but for {@link #waitForCommit} and {@link #isUncommitted}.
 *
 * <p>The order is law (rule G-2): (a) flush the data device; (b) changed details and space maps into dirty blocks; (c)
 * write the dirty metadata blocks; (d) flush the metadata device; (e) write the superblock; (f) flush. If we crash before
 * (e) is stable, the old superblock names the old trees, none of which was touched. If we crash after it, the new trees
 * are complete because of (d), and the data they name is there because of (a). Without (a), a new mapping could survive a
 * power cut that loses what was copied, zeroed or written into its block, even in sectors the user never touched.
 *
 * <p>All requests that wait when a commit begins share it (G-5). Blocks freed by a transaction are given out again only
 * after its commit <em>and</em> after all requests that may still use the old mappings have ended.
 */
final class Committer {
    private static final Logger LOG = LoggerFactory.getLogger(Committer.class);

    /** A transaction with changes is committed after this time if nobody asks earlier (G-1). */
    static final long PERIOD_NANOS = 1_000_000_000L;

    /** Step (a); the pool's own, not a handle's (G-8). */
    interface DataFlush {
        void flush() throws StorageException;
    }

    private final PoolWorker worker;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final DataFlush dataFlush;
    private final PoolCounters counters;

    // Pushed by loops, taken by the worker.
    private final RequestStack waiters = new RequestStack();
    private final Runnable pass = this::pass;
    private boolean passQueued;
    private boolean periodicArmed;
    private boolean closed;

    /** The open transaction's number; worker only. */
    private long transaction = 1;

    // Written by the worker after the superblock is stable, read by loops to tell whether a flush needs the worker.
    private volatile long committedTransaction;

    Committer(PoolWorker worker, IoLoop loop, PoolMetadata metadata, DataFlush dataFlush, PoolCounters counters) {
        this.worker = worker;
        this.loop = loop;
        this.metadata = metadata;
        this.dataFlush = dataFlush;
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

    /**
     * Commits now, for a management operation that has changed metadata.
     *
     * @throws StorageException if it failed; the transaction has been aborted
     */
    void commitNow() throws StorageException {
        try {
            commit();
        } catch (StorageException e) {
            failed(e);
            throw e;
        }
    }

    /** Without changes there is nothing to abort: who asked is told, and the pool goes on. */
    private void failed(StorageException e) {
        if (metadata.isChanged()) {
            worker.abort(e);
        } else {
            LOG.warn("flush failed: {}", e.getMessage());
        }
    }

    /** The pool is closed; a timer that is still armed must not touch its devices. */
    void close() {
        closed = true;
    }

    /** The open transaction is gone; nothing of it will be committed. */
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
        BlockRequest first = waiters.takeAll();
        int errno = Errno.OK;
        try {
            if (worker.mode() == PoolMode.FAIL) {
                // The space maps in memory may be anything (E-7).
                throw new StorageException(Errno.EIO, worker.state().cause());
            }
            if (worker.spaceWaiters().isWaiting()) {
                worker.reclaimer().stepNow();
            }
            commit();
            if (!metadata.hasFreedDataBlocks()) {
                // Nothing to wait for: who wanted space looks again now, at the metadata blocks that came free, too.
                worker.spaceWaiters().spaceReleased();
            }
        } catch (StorageException e) {
            failed(e);
            errno = Errno.EIO;
        } catch (AssertionError | RuntimeException bug) {
            worker.failed(bug);
            errno = Errno.EIO;
        }
        while (first != null) {
            BlockRequest following = first.next;
            first.next = null;
            counters.commitWaiters.increment();
            boolean lost = ((ThinVolume) first.parkedBy).device().lostChanges;
            worker.handBack(first, lost ? Errno.EIO : errno);
            first = following;
        }
    }

    private void commit() throws StorageException {
        long began = loop.nanoTime();
        dataFlush.flush();
        if (!metadata.isChanged()) {
            return;
        }
        metadata.commit();
        committedTransaction = transaction;
        transaction++;
        counters.commits.increment();
        counters.commitNanos.add(loop.nanoTime() - began);
        if (!worker.resize().extendIfLow()) {
            worker.monitor().committed();
        }
        FreedBlocks freed = metadata.takeFreedDataBlocks();
        if (!freed.isEmpty()) {
            releaseWhenUnused(freed);
        }
    }

    /** Requests that looked up a mapping before it went may still be on their way to a freed block: wait for them. */
    private void releaseWhenUnused(FreedBlocks freed) {
        long incarnation = worker.incarnation();
        worker.drain(() -> {
            if (worker.incarnation() == incarnation) {
                worker.quarantine().add(freed);
            }
        });
    }
}

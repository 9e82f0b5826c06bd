package dev.gossamer.thin.commit;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.LimitedLog;
import dev.gossamer.io.LogLimit;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.RequestStages;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.pdata.block.FrozenTransaction;
import dev.gossamer.pdata.block.TransactionWriter;
import dev.gossamer.pdata.spacemap.FreedBlocks;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

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
public final class Committer implements Durability {
    private static final Logger LOG = LoggerFactory.getLogger(Committer.class);

    /** A transaction with changes is committed after this time if nobody asks earlier (G-1). */
    public static final long PERIOD_NANOS = 1_000_000_000L;

    /** Hears of commits: what depends on space. Worker's thread. */
    public interface Listener {
        /** A commit begins now, if there is anything to commit: the last chance to put something into it. */
        void beforeCommit();

        /**
         * A commit is stable.
         *
         * @param freed data blocks that it made free; requests that looked them up before may still be on their way
         */
        void committed(FreedBlocks freed);

        /** Nothing is being written any more, and nobody has asked for another commit that would bring something. */
        void idle();
    }

    /**
     * What a committer is about. A pass decides whether to write.
     *
     * <pre>
     *  IDLE          -> PASS_QUEUED   somebody wants a commit
     *                -> WRITING       a pass that a request has queued begins one
     *  PASS_QUEUED   -> IDLE          the pass begins, and finds out whether there is anything to write
     *                -> WRITING       an earlier pass begins to write; the queued one will find that
     *  WRITING       -> PASS_WANTED   somebody wants another commit
     *  WRITING, PASS_WANTED -> IDLE   the commit has ended, well or not
     *  IDLE, PASS_QUEUED -> CLOSED    for good
     * </pre>
     */
    private enum State {
        IDLE,
        PASS_QUEUED,
        WRITING,
        PASS_WANTED,
        CLOSED;

        boolean isWriting() {
            return this == WRITING || this == PASS_WANTED;
        }

        boolean leadsTo(State next) {
            return switch (this) {
                case IDLE -> next == PASS_QUEUED || next == WRITING || next == CLOSED;
                case PASS_QUEUED -> next == IDLE || next == WRITING || next == CLOSED;
                case WRITING -> next == PASS_WANTED || next == IDLE;
                case PASS_WANTED -> next == IDLE;
                case CLOSED -> false;
            };
        }
    }

    /** The commit that is being written. */
    private record Writing(boolean metadata, long incarnation, long sinceNanos) {}

    private final IoLoop loop;
    private final LimitedLog failures;
    private final PoolMetadata metadata;
    private final BlockDevice data;
    private final WorkerQueue queue;
    private final PoolState pool;
    private final PoolFaults faults;
    private final PoolCounters counters;
    private Listener listener;

    // Pushed by loops, taken by the worker.
    private final RequestStack waiters = new RequestStack();
    private final Wakeup passSoon;

    // All below is the worker's alone, but for the last.
    private State state = State.IDLE;
    private Writing writing;
    // Made beforehand: what is thrown once a commit is being written would leave it so for ever.
    private final TransactionWriter.Ended whenWritten = this::written;
    private final RequestQueue covered = new RequestQueue();
    private boolean timerArmed;
    // Management operations, and blocks that want to be mapped when metadata is short: few, and bounded by who starts
    // them.
    private final List<Runnable> whenQuiet = new ArrayList<>();

    /** The open transaction's number. */
    private long transaction = 1;

    // Written by the worker after the superblock is stable, read by loops to tell whether a flush needs the worker.
    private volatile long committedTransaction;

    public Committer(
            IoLoop loop,
            PoolMetadata metadata,
            BlockDevice data,
            WorkerQueue queue,
            PoolState pool,
            PoolFaults faults,
            PoolCounters counters) {
        this.loop = loop;
        this.failures = new LimitedLog(LOG, Level.WARN, "flush failed", LogLimit.onePerSecond(), loop);
        this.metadata = metadata;
        this.data = data;
        this.queue = queue;
        this.pool = pool;
        this.faults = faults;
        this.counters = counters;
        this.passSoon = new Wakeup(loop, this::pass);
    }

    /** Names who hears of commits. Once, while the pool is put together. */
    public void tell(Listener itsListener) {
        listener = itsListener;
    }

    // ---- any thread ----------------------------------------------------------------------------------------------

    @Override
    public boolean isUncommitted(ThinDevice device) {
        return device.changedInTransaction() > committedTransaction;
    }

    @Override
    public void waitForCommit(BlockRequest request) {
        request.stages().enter(RequestStages.COMMIT, request.loop().nanoTime());
        queue.hand(request, waiters, passSoon);
    }

    // ---- worker's loop only --------------------------------------------------------------------------------------

    /** Notes that the open transaction has changed a device; call before the change is published (G-7a). */
    public void changed(ThinDevice device) {
        device.markChanged(transaction);
        armTimer();
    }

    /** Notes that the open transaction has changed something that is no volume's. */
    public void changed() {
        armTimer();
    }

    /** Commits at the end of what is queued now, or as soon as the commit under way is done. */
    public void commitSoon() {
        if (state == State.IDLE) {
            enter(State.PASS_QUEUED);
            passSoon.call();
        } else if (state == State.WRITING) {
            enter(State.PASS_WANTED);
        }
    }

    /** Whether a commit, and waiting for requests under way, may make blocks free that cannot be allocated yet. */
    public boolean canFreeBlocks() {
        return metadata.isChanged() || metadata.hasFreedDataBlocks();
    }

    /** Whether metadata blocks will come free by commits, the one under way included. */
    public boolean canFreeMetadata() {
        return metadata.isChanged() || isWriting();
    }

    /** Whether a commit is being written, or an aborted one has I/O under way. */
    public boolean isWriting() {
        return state.isWriting();
    }

    /** Runs a task now, or else as soon as no commit is being written. */
    public void whenQuiet(Runnable task) {
        checkThread();
        if (isWriting()) {
            whenQuiet.add(task);
        } else {
            faults.run(task);
        }
    }

    /**
     * Commits and waits for it, for a management operation that has changed metadata. Only while it is {@linkplain
     * #whenQuiet quiet}.
     *
     * @throws StorageException if it failed; the transaction has been aborted
     */
    public void commitNow() throws StorageException {
        checkThread();
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

    /** The pool is being closed, its last commit is done: none begins any more. Only while it is quiet. */
    public void close() {
        enter(State.CLOSED);
    }

    /** The open transaction is gone, and the one being written: nothing of them will be committed. */
    public void aborted() {
        transaction++;
        committedTransaction = transaction - 1;
    }

    private void checkThread() {
        Invariant.check(loop.inLoop(), "a committer used outside its loop");
    }

    private void enter(State next) {
        checkThread();
        Invariant.check(state.leadsTo(next), "a committer cannot do that now");
        state = next;
    }

    private void armTimer() {
        if (!timerArmed) {
            timerArmed = true;
            loop.schedule(
                    () -> {
                        timerArmed = false;
                        if (state != State.CLOSED && metadata.isChanged()) {
                            pass();
                        }
                    },
                    PERIOD_NANOS);
        }
    }

    private void pass() {
        switch (state) {
            case IDLE -> beginIfNeeded();
            case PASS_QUEUED -> {
                enter(State.IDLE);
                beginIfNeeded();
            }
            case WRITING -> enter(State.PASS_WANTED);
            case PASS_WANTED -> {
                // The next one covers this wish, too.
            }
            case CLOSED -> {
                takeWaiters();
                answer(Errno.EIO);
            }
        }
    }

    private void beginIfNeeded() {
        takeWaiters();
        // Of a commit that fails half way, the metadata says no longer that there was something to lose.
        boolean changes = metadata.isChanged();
        try {
            if (pool.mode() == PoolMode.FAIL) {
                // The space maps in memory may be anything (E-7).
                throw new StorageException(Errno.EIO, pool.cause());
            }
            listener.beforeCommit();
            if (metadata.isChanged() || !covered.isEmpty()) {
                begin();
            } else {
                listener.idle();
            }
        } catch (StorageException e) {
            failed(changes || metadata.isChanged(), e);
            answer(Errno.EIO);
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            answer(Errno.EIO);
        }
    }

    private void begin() throws StorageException {
        Writing its = new Writing(metadata.isChanged(), faults.incarnation(), loop.nanoTime());
        FrozenTransaction frozen = metadata.freeze();
        if (its.metadata) {
            transaction++;
        }
        enter(State.WRITING);
        writing = its;
        metadata.writer().start(frozen, loop, data, whenWritten);
    }

    /** The commit under way has ended, in one way or the other; nothing of it is at the devices any more. */
    private void written(StorageException failure) {
        Writing its = writing;
        boolean again = state == State.PASS_WANTED;
        writing = null;
        enter(State.IDLE);
        int errno = Errno.EIO;
        try {
            // After an abort neither success nor failure means anything.
            if (faults.incarnation() == its.incarnation) {
                if (failure != null) {
                    failed(its.metadata || metadata.isChanged(), failure);
                } else {
                    errno = Errno.OK;
                    if (its.metadata) {
                        committedTransaction = transaction - 1;
                        committed(its.sinceNanos);
                    }
                }
            }
            answer(errno);
            listener.idle();
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            answer(Errno.EIO);
        }
        while (!whenQuiet.isEmpty()) {
            faults.run(whenQuiet.removeFirst()); // those behind it must not wait for ever
        }
        if (again) {
            commitSoon();
        }
    }

    private void committed(long beganNanos) {
        FreedBlocks freed = metadata.committed();
        long now = loop.nanoTime();
        counters.committed(now, now - beganNanos);
        listener.committed(freed);
    }

    /** Whether changes would be lost if the pool ended now. */
    public boolean hasChanges() {
        return metadata.isChanged() || (writing != null && writing.metadata);
    }

    /** Without changes there is nothing to abort: who asked is told, and the pool goes on. */
    private void failed(boolean changes, StorageException e) {
        if (changes) {
            faults.abort(e);
        } else {
            failures.line("flush failed: {}", e.getMessage());
        }
    }

    private void takeWaiters() {
        waiters.takeInto(covered);
    }

    private void answer(int errno) {
        for (BlockRequest r = covered.poll(); r != null; r = covered.poll()) {
            counters.commitWaiters.increment();
            queue.handBack(r, errno);
        }
    }
}

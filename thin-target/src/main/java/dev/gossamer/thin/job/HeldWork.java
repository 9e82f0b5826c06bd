package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.device.PoolFaults;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * A step's work on ranges that it holds, in stages between which it waits. A stage that fails, or comes after an abort,
 * ends the work; a bug in one ends the pool as well. Worker's thread.
 */
abstract class HeldWork {
    /** From one wait to the next. */
    interface Stage {
        void run() throws StorageException;
    }

    /** One that is told what came of copies. */
    interface AfterCopies {
        void run(BlockCopies.Result result) throws StorageException;
    }

    /** One that is told the errno of what was read. */
    interface AfterReads {
        void run(int errno) throws StorageException;
    }

    /** A hold on nothing. */
    static final List<HeldRange> NOTHING_HELD = List.of();

    private final PoolFaults faults;
    private final long incarnation;

    /** Begins now: an abort from here on makes the work void. */
    HeldWork(PoolFaults faults) {
        this.faults = faults;
        this.incarnation = faults.incarnation();
    }

    /** Whether what it has reserved still is: after an abort nothing is any more. */
    final boolean isValid() {
        return incarnation == faults.incarnation();
    }

    final void guarded(Stage stage) {
        try {
            requireValid();
            stage.run();
        } catch (StorageException e) {
            fail(e);
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            fail(bug);
        }
    }

    private void requireValid() throws StorageException {
        if (!isValid()) {
            throw new StorageException(Errno.EIO, "the transaction was aborted");
        }
    }

    /** The stage that follows when blocks have been copied: made before, so that its turn takes no memory. */
    final Consumer<BlockCopies.Result> afterCopies(AfterCopies stage) {
        return result -> {
            try {
                requireValid();
                stage.run(result);
            } catch (StorageException e) {
                fail(e);
            } catch (RuntimeException | Error bug) {
                faults.failed(bug);
                fail(bug);
            }
        };
    }

    /** The same when blocks have been read. */
    final IntConsumer afterReads(AfterReads stage) {
        return errno -> {
            try {
                requireValid();
                stage.run(errno);
            } catch (StorageException e) {
                fail(e);
            } catch (RuntimeException | Error bug) {
                faults.failed(bug);
                fail(bug);
            }
        };
    }

    /** Gives back all that it has, which takes no memory, and says why it has ended. */
    abstract void fail(Throwable cause);
}

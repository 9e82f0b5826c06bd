package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.device.PoolFaults;

/**
 * A step's work on ranges that it holds, in stages between which it waits. A stage that fails, or comes after an abort,
 * ends the work; a bug in one ends the pool as well. Worker's thread.
 */
abstract class HeldWork {
    /** From one wait to the next. */
    interface Stage {
        void run() throws StorageException;
    }

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
            if (!isValid()) {
                throw new StorageException(Errno.EIO, "the transaction was aborted");
            }
            stage.run();
        } catch (StorageException e) {
            fail(e);
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            fail(bug);
        }
    }

    /** Gives back all that it has, and says why it has ended. */
    abstract void fail(Throwable cause);
}

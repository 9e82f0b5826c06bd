package dev.gossamer.io.sim;

/**
 * The power of one or more {@link SimulatedDisk}s: it fails for all of them at the same moment.
 *
 * <p>Operations that change a disk or its promises (WRITE, FLUSH, DISCARD, WRITE_ZEROES) are counted over all disks,
 * and {@link #step} with them.
 */
public final class PowerSupply {
    private static final long NEVER = Long.MAX_VALUE;

    private long cutAfterOperation;
    private long operations;

    /** Power that never fails, until {@link #cutAfter}. */
    public PowerSupply() {
        this(NEVER);
    }

    /** @param cutAfterOperation so many operations are carried out, then power fails: everything later gets EIO */
    public PowerSupply(long cutAfterOperation) {
        this.cutAfterOperation = cutAfterOperation;
    }

    /** Lets {@code moreOperations} more happen from now on, then fails. */
    public synchronized void cutAfter(long moreOperations) {
        cutAfterOperation = operations + moreOperations;
    }

    /** Fails now. */
    public synchronized void cut() {
        cutAfterOperation = operations;
    }

    /** Power is back, and stays. The count goes on. */
    public synchronized void restore() {
        cutAfterOperation = NEVER;
    }

    /** Operations carried out so far. */
    public synchronized long operations() {
        return operations;
    }

    public synchronized boolean isOn() {
        return operations < cutAfterOperation;
    }

    /** Something durable that is no change of a disk, as a file that is replaced; false if the power is off. */
    public boolean step() {
        return tryOperation(true);
    }

    synchronized boolean tryOperation(boolean counts) {
        if (!isOn()) {
            return false;
        }
        if (counts) {
            operations++;
        }
        return true;
    }
}

package dev.gossamer.snapshot;

/** Who has the origin or a snapshot open, and whether it may be opened. Any thread; control path only. */
final class Door {
    private int handles;
    private int locks;

    /** Takes a handle, until {@link #leave}. @return false: it is kept closed */
    synchronized boolean tryEnter() {
        if (locks > 0) {
            return false;
        }
        handles++;
        return true;
    }

    synchronized void leave() {
        handles--;
    }

    /** Keeps it closed until {@link #unlock}. @return false: somebody has it open */
    synchronized boolean tryLock() {
        if (handles > 0) {
            return false;
        }
        locks++;
        return true;
    }

    synchronized void unlock() {
        locks--;
    }
}

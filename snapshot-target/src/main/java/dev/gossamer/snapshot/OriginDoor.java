package dev.gossamer.snapshot;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** Who has the origin open, and whether it may be opened. Any thread; control path only. */
final class OriginDoor {
    private int handles;
    private int locks;

    synchronized void enter() throws StorageException {
        if (locks > 0) {
            throw new StorageException(
                    Errno.EBUSY, "the origin cannot be opened while a snapshot is loaded or a merge begins; try again");
        }
        handles++;
    }

    synchronized void leave() {
        handles--;
    }

    /** Keeps the origin closed until {@link #unlock}. @return false: somebody has it open */
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

package dev.gossamer.daemon;

import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.DirectoryLock;

/**
 * Whoever serves or makes a pool holds this from before the first of its devices and files is opened until the last is
 * closed. So a second one is refused before it can do harm, also where a device cannot be locked, as remote ones.
 */
final class PoolLock implements AutoCloseable {
    private final DirectoryLock lock;

    private PoolLock(DirectoryLock lock) {
        this.lock = lock;
    }

    /** @throws PoolInUse if another has it */
    static PoolLock take(PoolDirectory directory) throws StorageException {
        try {
            return new PoolLock(DirectoryLock.take(directory.path()));
        } catch (StorageException e) {
            if (e.errno() == Errno.EBUSY) {
                throw new PoolInUse(e.getMessage() + "; stop that one, or name another directory", e);
            }
            throw e;
        }
    }

    @Override
    public void close() {
        lock.close();
    }
}

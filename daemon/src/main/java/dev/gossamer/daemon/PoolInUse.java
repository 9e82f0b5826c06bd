package dev.gossamer.daemon;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** Another process works with the pool's directory: serves it, or is just making it. Nothing has been touched. */
public final class PoolInUse extends StorageException {
    private static final long serialVersionUID = 1L;

    PoolInUse(String message, Throwable cause) {
        super(Errno.EBUSY, message, cause);
    }
}

package dev.gossamer.thin.offline;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** What is to become metadata cannot be a pool. */
public final class BadPool extends StorageException {
    private static final long serialVersionUID = 1L;

    BadPool(String message) {
        super(Errno.EINVAL, message);
    }
}

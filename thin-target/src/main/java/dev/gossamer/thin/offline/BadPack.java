package dev.gossamer.thin.offline;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** A file that is no packed metadata, or damaged. */
public final class BadPack extends StorageException {
    private static final long serialVersionUID = 1L;

    BadPack(String message) {
        super(Errno.EINVAL, message);
    }
}

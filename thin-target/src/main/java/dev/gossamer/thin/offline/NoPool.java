package dev.gossamer.thin.offline;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** A device holds no thin-pool metadata, or metadata that this version must not judge ({@link UnknownFeatures}). */
public class NoPool extends StorageException {
    private static final long serialVersionUID = 1L;

    NoPool(String message) {
        super(Errno.EINVAL, message);
    }
}

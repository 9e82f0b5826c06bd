package dev.gossamer.thin.owner;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/**
 * Somebody else has, or has had, the pool that this process wants or thought to have. Nothing more of this process may
 * reach it.
 */
public final class ForeignOwner extends StorageException {
    private static final long serialVersionUID = 1L;

    public ForeignOwner(String message) {
        super(Errno.EBUSY, message);
    }
}

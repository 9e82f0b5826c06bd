package dev.gossamer.pdata;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/**
 * Metadata that cannot be right: a checksum, a node's shape, a reference count below zero.
 *
 * <p>Inside a transaction it means abort: drop every object above the devices and reopen from the superblock.
 */
public final class MetadataCorrupt extends StorageException {
    private static final long serialVersionUID = 1L;

    /** @param message one line that names the metadata block and what is wrong with it */
    public MetadataCorrupt(String message) {
        super(Errno.EIO, message);
    }
}

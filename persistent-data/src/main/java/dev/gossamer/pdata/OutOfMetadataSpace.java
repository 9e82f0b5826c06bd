package dev.gossamer.pdata;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** No metadata block is free now. The running transaction is half done and must be aborted. */
public final class OutOfMetadataSpace extends StorageException {
    private static final long serialVersionUID = 1L;

    public OutOfMetadataSpace(long blocks) {
        super(
                Errno.ENOSPC,
                "all " + blocks + " metadata blocks are in use or freed only since the last commit; grow the metadata"
                        + " device");
    }
}

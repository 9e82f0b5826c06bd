package dev.gossamer.pdata;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** No data block is free now. Nothing was changed; a commit, a release of freed blocks or growth may help. */
public final class OutOfDataSpace extends StorageException {
    private static final long serialVersionUID = 1L;

    public OutOfDataSpace(long blocks) {
        super(
                Errno.ENOSPC,
                "all " + blocks + " data blocks are in use or freed only since the last commit; grow the data device");
    }
}

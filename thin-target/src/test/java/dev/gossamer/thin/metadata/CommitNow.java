package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;

/** Commits a pool's metadata without a worker, and without a data device that would matter. */
public final class CommitNow {
    private CommitNow() {}

    /** Waits for it; what was freed can be allocated afterwards. */
    public static void commit(PoolMetadata metadata) throws StorageException {
        if (!metadata.isChanged()) {
            return;
        }
        metadata.writer().writeNow(metadata.freeze(), null);
        metadata.releaseFreedDataBlocks(metadata.committed());
    }
}

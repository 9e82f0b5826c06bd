package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * dm-thin's messages about the pool as a whole: the user's transaction id, and the metadata snapshot. Each ends with a
 * commit (MSG-2), is refused once the metadata is frozen (MSG-3), and changes nothing if it is refused (MSG-1).
 * Worker's thread.
 */
final class MetadataMessages {
    private final PoolWorker worker;
    private final PoolMetadata metadata;
    private final PoolMessages messages;

    MetadataMessages(PoolWorker worker, PoolMessages messages) {
        this.worker = worker;
        this.metadata = worker.metadata();
        this.messages = messages;
    }

    /** Compare and swap of a number that means nothing to the pool (on-disk format 9.10). */
    void setTransactionId(long expected, long next) throws StorageException {
        messages.checkWritable();
        metadata.setTransactionId(expected, next);
        worker.committer().commitNow();
    }

    /** Keeps the mappings of now readable. Returns the block where: what thin_dump takes as {@code --metadata-snap} */
    long reserveMetadataSnapshot() throws StorageException {
        messages.checkWritable();
        worker.committer().commitNow();
        if (metadata.heldRoot() != 0) {
            throw new StorageException(
                    Errno.EBUSY,
                    "there is a metadata snapshot already, at block " + metadata.heldRoot() + "; release it first");
        }
        messages.inTransaction(metadata::reserveMetadataSnapshot);
        return metadata.heldRoot();
    }

    void releaseMetadataSnapshot() throws StorageException {
        messages.checkWritable();
        if (metadata.heldRoot() == 0) {
            throw new StorageException(Errno.EINVAL, "there is no metadata snapshot to release");
        }
        messages.inTransaction(metadata::releaseMetadataSnapshot);
    }
}

package dev.gossamer.thin.message;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * dm-thin's messages about the pool as a whole: the user's transaction id, and the metadata snapshot, which
 * {@link SnapshotRelease} lets go of. Each ends with a
 * commit (MSG-2), is refused once the metadata is frozen (MSG-3), and changes nothing if it is refused (MSG-1).
 * Worker's thread.
 */
public final class MetadataMessages {
    private final MetadataChange change;
    private final PoolMetadata metadata;

    public MetadataMessages(MetadataChange change, PoolMetadata metadata) {
        this.change = change;
        this.metadata = metadata;
    }

    /** Compare and swap of a number that means nothing to the pool (on-disk format 9.10). */
    public void setTransactionId(long expected, long next) throws StorageException {
        change.checkWritable();
        metadata.setTransactionId(expected, next);
        change.commit();
    }

    /** Keeps the mappings of now readable. Returns the block where: what thin_dump takes as {@code --metadata-snap} */
    public long reserveMetadataSnapshot() throws StorageException {
        change.checkWritable();
        change.commit();
        if (metadata.heldRoot() != 0) {
            throw new StorageException(
                    Errno.EBUSY,
                    "there is a metadata snapshot already, at block " + metadata.heldRoot() + "; release it first");
        }
        change.commit(() -> metadata.snapshot().reserve());
        return metadata.heldRoot();
    }
}

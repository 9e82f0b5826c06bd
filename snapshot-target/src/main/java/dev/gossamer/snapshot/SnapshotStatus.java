package dev.gossamer.snapshot;

/**
 * A snapshot's facts at one moment.
 *
 * @param cause why it is not {@link SnapshotState#ACTIVE}; empty if there is no more to say
 * @param sizeBytes of the snapshot
 * @param allocatedBytes in use in the store, tables included
 * @param totalBytes size of the store's device
 * @param metadataBytes in use for tables; a merge is done when nothing else is left
 * @param chunks chunks that the store holds for the snapshot
 * @param mergedChunks chunks that a merge in this process has brought to the origin
 * @param suspended whether requests to the snapshot wait for {@link SnapshotSet#resume}
 */
public record SnapshotStatus(
        String name,
        StoreType type,
        SnapshotState state,
        String cause,
        long sizeBytes,
        long chunkBytes,
        long allocatedBytes,
        long totalBytes,
        long metadataBytes,
        long chunks,
        long mergedChunks,
        boolean suspended) {
    private static final int SECTOR_BYTES = 512;

    /** The status words of dm-snapshot, counts in 512-byte sectors (rule S-V4). */
    public String kernelWords() {
        return switch (state) {
            case INVALID -> "Invalid";
            case MERGE_FAILED -> "Merge failed";
            case OVERFLOW -> "Overflow";
            case STARTING, ACTIVE, MERGING, MERGED -> allocatedBytes / SECTOR_BYTES + "/" + totalBytes / SECTOR_BYTES
                    + " " + metadataBytes / SECTOR_BYTES;
        };
    }
}

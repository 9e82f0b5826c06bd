package dev.gossamer.snapshot;

import dev.gossamer.io.StorageIdentity;
import java.util.Objects;
import java.util.UUID;

/**
 * What a snapshot shall be like. Made with {@link #of} and the {@code with} methods; checked when it is used.
 *
 * @param chunkBytes unit of copying, a power of two; 0 = 16 KiB, or the sector size if larger (persistent stores only)
 * @param lossRecord remembers that it is lost, beside its store
 * @param sizeBytes of the snapshot: of its origin when it was made, which may be larger by now (rule S-L7); 0 = as
 *     large as the origin is
 */
public record SnapshotSpec(
        String name,
        StoreType type,
        long chunkBytes,
        Discards discards,
        FullStore full,
        LossRecord lossRecord,
        Expected expected,
        long sizeBytes) {

    /**
     * What TRIMs do.
     *
     * @param zeroesCow a TRIM of a whole changed chunk zeroes it in the store (rule S-D1)
     * @param passdownOrigin such a TRIM also goes to the origin's device, past all snapshots (rule S-D2)
     */
    public record Discards(boolean zeroesCow, boolean passdownOrigin) {}

    /**
     * What a full store means.
     *
     * @param action for writes to the origin
     * @param holdBackNanos how long writes wait for the store to grow, before that; 0 = not at all
     */
    public record FullStore(StoreFullAction action, long holdBackNanos, StoreGrowth growth) {
        public FullStore {
            Objects.requireNonNull(action);
            Objects.requireNonNull(growth);
        }
    }

    /**
     * How its store is known again.
     *
     * @param storeId stands in the store's header, so that no other store is taken for it (rule S-L5); null: none, as
     *     in the kernel's stores
     * @param device what the store's device was; another one is not loaded in its place (rule S-L6); null: not known
     */
    public record Expected(UUID storeId, StorageIdentity device) {}

    public SnapshotSpec {
        Objects.requireNonNull(name);
        Objects.requireNonNull(type);
        Objects.requireNonNull(discards);
        Objects.requireNonNull(full);
        Objects.requireNonNull(lossRecord);
        Objects.requireNonNull(expected);
    }

    /** A snapshot as the kernel makes it, with the default chunk size. */
    public static SnapshotSpec of(String name, StoreType type) {
        FullStore full = new FullStore(StoreFullAction.INVALIDATE_SNAPSHOT, 0, StoreGrowth.NONE);
        return new SnapshotSpec(
                name, type, 0, new Discards(false, false), full, LossRecord.NONE, new Expected(null, null), 0);
    }

    public SnapshotSpec withName(String newName) {
        return new SnapshotSpec(newName, type, chunkBytes, discards, full, lossRecord, expected, sizeBytes);
    }

    public SnapshotSpec withChunkBytes(long newChunkBytes) {
        return new SnapshotSpec(name, type, newChunkBytes, discards, full, lossRecord, expected, sizeBytes);
    }

    public SnapshotSpec withDiscard(boolean zeroesCow, boolean passdownOrigin) {
        Discards newDiscards = new Discards(zeroesCow, passdownOrigin);
        return new SnapshotSpec(name, type, chunkBytes, newDiscards, full, lossRecord, expected, sizeBytes);
    }

    public SnapshotSpec withFullStore(StoreFullAction action, long holdBackNanos, StoreGrowth growth) {
        FullStore newFull = new FullStore(action, holdBackNanos, growth);
        return new SnapshotSpec(name, type, chunkBytes, discards, newFull, lossRecord, expected, sizeBytes);
    }

    public SnapshotSpec withLossRecord(LossRecord newLossRecord) {
        return new SnapshotSpec(name, type, chunkBytes, discards, full, newLossRecord, expected, sizeBytes);
    }

    public SnapshotSpec withStoreId(UUID storeId) {
        Expected newExpected = new Expected(storeId, expected.device);
        return new SnapshotSpec(name, type, chunkBytes, discards, full, lossRecord, newExpected, sizeBytes);
    }

    public SnapshotSpec withStoreDevice(StorageIdentity device) {
        Expected newExpected = new Expected(expected.storeId, device);
        return new SnapshotSpec(name, type, chunkBytes, discards, full, lossRecord, newExpected, sizeBytes);
    }

    public SnapshotSpec withSizeBytes(long newSizeBytes) {
        return new SnapshotSpec(name, type, chunkBytes, discards, full, lossRecord, expected, newSizeBytes);
    }
}

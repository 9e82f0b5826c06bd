package dev.gossamer.snapshot;

import dev.gossamer.io.StorageIdentity;
import java.util.Objects;
import java.util.UUID;

/**
 * What a snapshot shall be like. Made with {@link #of} and the {@code with} methods; checked when it is used.
 *
 * @param chunkBytes unit of copying, a power of two; 0 = 16 KiB, or the sector size if larger (persistent stores only)
 * @param discardZeroesCow a TRIM of a whole changed chunk zeroes it in the store (rule S-D1)
 * @param discardPassdownOrigin such a TRIM also goes to the origin's device, past all snapshots (rule S-D2)
 * @param fullAction what a full store means for writes to the origin
 * @param holdBackNanos how long writes wait for a full store to grow, before that; 0 = not at all
 * @param lossRecord remembers that it is lost, beside its store
 * @param storeId stands in the store's header, so that no other store is taken for it (rule S-L5); null: none, as in
 *     the kernel's stores
 * @param sizeBytes of the snapshot: of its origin when it was made, which may be larger by now (rule S-L7); 0 = as
 *     large as the origin is
 * @param storeDevice what the store's device was; another one is not loaded in its place (rule S-L6); null: not known
 */
public record SnapshotSpec(
        String name,
        StoreType type,
        long chunkBytes,
        boolean discardZeroesCow,
        boolean discardPassdownOrigin,
        StoreFullAction fullAction,
        long holdBackNanos,
        StoreGrowth growth,
        LossRecord lossRecord,
        UUID storeId,
        StorageIdentity storeDevice,
        long sizeBytes) {

    public SnapshotSpec {
        Objects.requireNonNull(name);
        Objects.requireNonNull(type);
        Objects.requireNonNull(fullAction);
        Objects.requireNonNull(growth);
        Objects.requireNonNull(lossRecord);
    }

    /** A snapshot as the kernel makes it, with the default chunk size. */
    public static SnapshotSpec of(String name, StoreType type) {
        return new SnapshotSpec(
                name,
                type,
                0,
                false,
                false,
                StoreFullAction.INVALIDATE_SNAPSHOT,
                0,
                StoreGrowth.NONE,
                LossRecord.NONE,
                null,
                null,
                0);
    }

    public SnapshotSpec withName(String newName) {
        return new SnapshotSpec(
                newName,
                type,
                chunkBytes,
                discardZeroesCow,
                discardPassdownOrigin,
                fullAction,
                holdBackNanos,
                growth,
                lossRecord,
                storeId,
                storeDevice,
                sizeBytes);
    }

    public SnapshotSpec withChunkBytes(long newChunkBytes) {
        return new SnapshotSpec(
                name,
                type,
                newChunkBytes,
                discardZeroesCow,
                discardPassdownOrigin,
                fullAction,
                holdBackNanos,
                growth,
                lossRecord,
                storeId,
                storeDevice,
                sizeBytes);
    }

    public SnapshotSpec withDiscard(boolean zeroesCow, boolean passdownOrigin) {
        return new SnapshotSpec(
                name,
                type,
                chunkBytes,
                zeroesCow,
                passdownOrigin,
                fullAction,
                holdBackNanos,
                growth,
                lossRecord,
                storeId,
                storeDevice,
                sizeBytes);
    }

    public SnapshotSpec withFullStore(StoreFullAction action, long newHoldBackNanos, StoreGrowth newGrowth) {
        return new SnapshotSpec(
                name,
                type,
                chunkBytes,
                discardZeroesCow,
                discardPassdownOrigin,
                action,
                newHoldBackNanos,
                newGrowth,
                lossRecord,
                storeId,
                storeDevice,
                sizeBytes);
    }

    public SnapshotSpec withLossRecord(LossRecord newLossRecord) {
        return new SnapshotSpec(
                name,
                type,
                chunkBytes,
                discardZeroesCow,
                discardPassdownOrigin,
                fullAction,
                holdBackNanos,
                growth,
                newLossRecord,
                storeId,
                storeDevice,
                sizeBytes);
    }

    public SnapshotSpec withStoreId(UUID newStoreId) {
        return new SnapshotSpec(
                name,
                type,
                chunkBytes,
                discardZeroesCow,
                discardPassdownOrigin,
                fullAction,
                holdBackNanos,
                growth,
                lossRecord,
                newStoreId,
                storeDevice,
                sizeBytes);
    }

    public SnapshotSpec withStoreDevice(StorageIdentity newStoreDevice) {
        return new SnapshotSpec(
                name,
                type,
                chunkBytes,
                discardZeroesCow,
                discardPassdownOrigin,
                fullAction,
                holdBackNanos,
                growth,
                lossRecord,
                storeId,
                newStoreDevice,
                sizeBytes);
    }

    public SnapshotSpec withSizeBytes(long newSizeBytes) {
        return new SnapshotSpec(
                name,
                type,
                chunkBytes,
                discardZeroesCow,
                discardPassdownOrigin,
                fullAction,
                holdBackNanos,
                growth,
                lossRecord,
                storeId,
                storeDevice,
                newSizeBytes);
    }
}

package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.OutOfDataSpace;
import dev.gossamer.thin.cell.CellIo;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.SpaceQuotas;
import dev.gossamer.thin.space.SpaceWaiters;

/**
 * What moving data blocks takes.
 *
 * @param waiters look again when data blocks that were held back can be allocated again
 */
public record MoveParts(
        PoolMetadata metadata,
        PoolDevices devices,
        SpaceQuotas quotas,
        StepChange change,
        RangeLocks locks,
        PoolFaults faults,
        IoLoop loop,
        CellIo io,
        Committer committer,
        SpaceWaiters waiters,
        MoveLimits limits) {
    /** The same, with other limits. */
    public MoveParts within(MoveLimits others) {
        return new MoveParts(metadata, devices, quotas, change, locks, faults, loop, io, committer, waiters, others);
    }

    /** Damage was met in the mappings of a device; of one that is being reclaimed the reclaimer tells. */
    void damaged(int deviceId, MetadataCorrupt damage) {
        ThinDevice device = devices.withId(deviceId);
        if (device != null) {
            faults.failed(device, damage);
        }
    }

    /**
     * Sets aside a data block that no volume has reserved (S-6), for another one that is to be moved.
     *
     * @throws OutOfDataSpace if there is none
     */
    long reserveBlock() throws StorageException {
        if (quotas.spareNow() <= 0) {
            throw new OutOfDataSpace(metadata.dataBlocks());
        }
        return metadata.reserveDataBlock();
    }

    /** Whether space is promised to a volume: what it has of its own is not shared for the sake of space (AC-14). */
    boolean isPromised(int deviceId) {
        ThinDevice device = devices.withId(deviceId);
        return device != null && device.account().promised() > 0;
    }

    /** EBUSY while there is a metadata snapshot (RL-3). */
    void checkNotPinned() throws StorageException {
        if (metadata.references().moves().isPinned()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "a metadata snapshot keeps blocks where they are; release it with 'gossamer pool metadata-snapshot"
                            + " release', then start again");
        }
    }

    /** What a job tells that is under way when a metadata snapshot comes; empty if there is none. */
    String waitsForPins() {
        return metadata.references().moves().isPinned()
                ? "waits until the metadata snapshot is released, which keeps blocks where they are; "
                : "";
    }

    /** There is no target for what is to be moved. */
    static StorageException noneFree(OutOfDataSpace full) {
        return new StorageException(
                Errno.ENOSPC,
                "no data block is free elsewhere that is not reserved for a volume; trim or delete volumes first",
                full);
    }

    BlockReads reads() {
        return new BlockReads(loop, io, metadata.blockBytes());
    }

    BlockCopies copies() {
        return new BlockCopies(loop, io, metadata.blockBytes());
    }
}

package dev.gossamer.thin.job;

import dev.gossamer.io.IoLoop;
import dev.gossamer.pdata.MetadataCorrupt;
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
        SpaceWaiters waiters) {
    /** Damage was met in the mappings of a device; of one that is being reclaimed the reclaimer tells. */
    void damaged(int deviceId, MetadataCorrupt damage) {
        ThinDevice device = devices.withId(deviceId);
        if (device != null) {
            faults.failed(device, damage);
        }
    }

    BlockReads reads() {
        return new BlockReads(loop, io, metadata.blockBytes());
    }

    BlockCopies copies() {
        return new BlockCopies(loop, io, metadata.blockBytes());
    }
}

package dev.gossamer.thin.job;

import dev.gossamer.io.IoLoop;
import dev.gossamer.thin.cell.CellIo;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolFaults;
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
    BlockReads reads() {
        return new BlockReads(loop, io, metadata.blockBytes());
    }

    BlockCopies copies() {
        return new BlockCopies(loop, io, metadata.blockBytes());
    }
}

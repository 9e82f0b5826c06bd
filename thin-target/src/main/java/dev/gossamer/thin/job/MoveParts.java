package dev.gossamer.thin.job;

import dev.gossamer.io.IoLoop;
import dev.gossamer.thin.cell.CellIo;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.metadata.PoolMetadata;

/** What moving data blocks takes. */
public record MoveParts(
        PoolMetadata metadata,
        PoolDevices devices,
        StepChange change,
        RangeLocks locks,
        PoolFaults faults,
        IoLoop loop,
        CellIo io) {
    BlockReads reads() {
        return new BlockReads(loop, io, metadata.blockBytes());
    }

    BlockCopies copies() {
        return new BlockCopies(loop, io, metadata.blockBytes());
    }
}

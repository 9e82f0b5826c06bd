package dev.gossamer.thin.offline;

import java.io.IOException;

/** Passes on what it is told, but for mappings to data blocks that do not exist: those are lost. */
final class PossibleMappings extends PassingSink {
    private final long dataBlocks;
    private final PoolDump.Losses losses;
    private long device = -1;

    PossibleMappings(PoolSink sink, long dataBlocks, PoolDump.Losses losses) {
        super(sink);
        this.dataBlocks = dataBlocks;
        this.losses = losses;
    }

    @Override
    public void beginShared(long name) throws IOException {
        device = -1;
        sink.beginShared(name);
    }

    @Override
    public void beginDevice(Device next) throws IOException {
        device = next.id();
        sink.beginDevice(next);
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        long possible = Math.max(0, Math.min(length, dataBlocks - dataBlock));
        if (possible > 0) {
            sink.mapping(virtualBlock, dataBlock, possible, time);
        }
        if (possible < length) {
            losses.lost(
                    device,
                    virtualBlock + possible,
                    virtualBlock + length - 1,
                    "mapped to data block " + (dataBlock + possible) + ", and the pool has " + dataBlocks);
        }
    }
}

package dev.gossamer.thin.space;

import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.device.PoolEvents;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * Watches free space: raises the low-water events (rules W-1, W-2) and makes the mode transitions that depend on space
 * (M-2, M-3). Worker's thread.
 */
public final class SpaceMonitor {
    private static final int METADATA_BLOCK_BYTES = 4096;

    private final PoolMetadata metadata;
    private final PoolState state;
    private final PoolEvents events;
    private final int lowWaterPercent;
    private final LowWater dataLow = new LowWater();
    private final LowWater metadataLow = new LowWater();

    public SpaceMonitor(PoolMetadata metadata, PoolState state, PoolEvents events, int lowWaterPercent) {
        this.metadata = metadata;
        this.state = state;
        this.events = events;
        this.lowWaterPercent = lowWaterPercent;
    }

    /** Free data blocks at which the first event comes. */
    public long dataLowWaterBlocks() {
        return metadata.dataBlocks() * lowWaterPercent / 100;
    }

    public boolean isDataLow() {
        return metadata.dataBlocksFree() <= dataLowWaterBlocks();
    }

    public boolean isMetadataLow() {
        return metadata.metadataBlocksFree() <= metadata.room().lowWaterBlocks();
    }

    /** A data block has been taken, or space has come back. */
    void checkData() {
        long free = metadata.dataBlocksFree();
        if (dataLow.isDue(free, dataLowWaterBlocks())) {
            events.add(
                    PoolEvent.Kind.DATA_LOW,
                    "data space is low: " + free + " of " + metadata.dataBlocks() + " blocks of "
                            + metadata.blockBytes() + " bytes are free; trim, delete or grow the pool");
        }
    }

    /**
     * A commit is done. The next transaction may have begun: what it has used up in vain comes back, so that is not
     * counted.
     */
    void committed() {
        long free = metadata.metadataBlocksFreeOnceCommitted();
        if (metadataLow.isDue(free, metadata.room().lowWaterBlocks())) {
            events.add(
                    PoolEvent.Kind.METADATA_LOW,
                    "metadata space is low: " + free + " of " + metadata.metadataBlocks() + " blocks of "
                            + METADATA_BLOCK_BYTES + " bytes are free; delete volumes or grow the metadata");
        }
        if (free == 0) {
            outOfMetadata();
        }
    }

    /** No metadata block is left outside the reserve, and no commit can bring one (M-2, S-3). */
    void outOfMetadata() {
        state.degrade(
                PoolMode.OUT_OF_METADATA_SPACE,
                "free metadata is down to the reserve; make room with: gossamer pool grow --metadata SIZE");
    }
}

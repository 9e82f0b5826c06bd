package dev.gossamer.thin.pool;

import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.SpaceStatus;
import dev.gossamer.thin.metadata.PoolMetadata;

/** How a pool stands at one moment. Worker's thread. */
final class PoolFacts {
    private final PoolParts parts;
    private final PoolMetadata metadata;
    private final PoolOptions options;

    PoolFacts(PoolParts parts, PoolOptions options) {
        this.parts = parts;
        this.metadata = parts.metadata;
        this.options = options;
    }

    PoolStatus status() {
        return new PoolStatus(
                parts.state.mode(),
                parts.state.cause(),
                metadata.needsCheck(),
                metadata.blockBytes(),
                metadata.dataBlocks(),
                metadata.dataBlocksUsed(),
                metadata.metadataBlocks(),
                metadata.metadataBlocksUsed(),
                metadata.transactionId(),
                metadata.heldRoot(),
                Integer.toUnsignedLong(metadata.time()),
                parts.devices.count(),
                space(),
                parts.reclaimer.pendingVolumes(),
                parts.reclaimer.pendingBlocks(),
                parts.discardMode);
    }

    private SpaceStatus space() {
        return new SpaceStatus(
                metadata.dataBlocksFree(),
                parts.quotas.neededBlocks(),
                parts.quotas.emergencyBlocks(),
                parts.quotas.missingBlocks(),
                parts.quotas.isCounting(),
                parts.devices.account().writableBytes() / metadata.dataBlocks() / metadata.blockBytes(),
                parts.monitor.dataLowWaterBlocks(),
                parts.monitor.isDataLow(),
                metadata.metadataBlocksFree(),
                metadata.room().lowWaterBlocks(),
                parts.monitor.isMetadataLow(),
                options.onFull(),
                parts.spaceWaiters.effectivePolicy(),
                parts.spaceWaiters.count(),
                parts.spaceWaiters.waitedNanos(),
                metadata.withheldBytes(),
                options.autoExtendBytes());
    }
}

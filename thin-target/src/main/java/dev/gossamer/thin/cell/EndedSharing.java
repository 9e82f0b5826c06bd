package dev.gossamer.thin.cell;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.device.Cell;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * Lets blocks be written in place again once nobody else sees them (rules D-6, D-6a). Worker's thread.
 *
 * <p>Whoever shared the block may have a read of it under way, begun before it let go: writing at once would show that
 * read another device's data (L-6). So a claim holds the block until all loops have drained, one drain for all claims
 * of a turn. Then the block is published with the pool's present time. The stored mapping keeps its old one: nothing is
 * changed that would have to be committed, and after a reload of the region the test is simply made again. The next
 * snapshot raises the device's time above all that was published, as it does for any block (EM-6).
 */
public final class EndedSharing {
    private final Cells cells;
    private final PoolState state;
    private final RequestsInFlight inFlight;
    private final PoolFaults faults;
    private final PoolMetadata metadata;
    private final MapPublisher maps;
    private final PoolCounters counters;
    // Of the present turn, linked: at most one for each request that came.
    private Claim firstGathered;
    private Claim lastGathered;

    public EndedSharing(
            Cells cells,
            PoolState state,
            RequestsInFlight inFlight,
            PoolFaults faults,
            PoolMetadata metadata,
            MapPublisher maps,
            PoolCounters counters) {
        this.cells = cells;
        this.state = state;
        this.inFlight = inFlight;
        this.faults = faults;
        this.metadata = metadata;
        this.maps = maps;
        this.counters = counters;
    }

    /** Claims a block that is mapped before the device's last snapshot. @return false if it is shared all the same */
    boolean claim(ThinDevice device, long block, long dataBlock, BlockRequest request) throws StorageException {
        // After a failed commit it is not known which of two states is on disk, so only the time counts.
        if (state.isMetadataReadOnly() || !metadata.isExclusive(device.id(), block)) {
            return false;
        }
        Claim claim = new Claim(device, block, dataBlock, faults.incarnation());
        cells.hold(claim);
        if (firstGathered == null) {
            firstGathered = claim;
        } else {
            lastGathered.next = claim;
        }
        lastGathered = claim;
        claim.waiting.add(request);
        return true;
    }

    /** Begins to wait for all that was claimed since the last call. */
    public void start() {
        Claim together = firstGathered;
        if (together == null) {
            return;
        }
        firstGathered = null;
        try {
            inFlight.drain(() -> end(together));
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            end(together);
        }
    }

    private void end(Claim first) {
        for (Claim claim = first; claim != null; claim = claim.next) {
            try {
                drained(claim);
            } catch (RuntimeException | Error bug) {
                faults.failed(bug);
            }
        }
    }

    private void drained(Claim claim) {
        try {
            if (claim.incarnation == faults.incarnation()) {
                maps.publish(claim.device, claim.virtualBlock, Region.MAPPED, metadata.time(), claim.dataBlock);
                counters.endedSharings.increment();
            }
        } finally {
            cells.release(claim);
        }
    }

    /** The hold on a block until nobody reads it for another device any more. Its own readers go on. */
    private static final class Claim extends Cell {
        final long dataBlock;
        Claim next;

        Claim(ThinDevice device, long virtualBlock, long dataBlock, long incarnation) {
            super(device, virtualBlock, incarnation);
            this.dataBlock = dataBlock;
        }

        @Override
        public boolean join(BlockRequest request) {
            return false;
        }

        @Override
        protected void start() {
            throw new AssertionError("claims are started together");
        }

        @Override
        protected void broken(Throwable bug) {
            throw new AssertionError("a claim has no steps", bug);
        }
    }
}

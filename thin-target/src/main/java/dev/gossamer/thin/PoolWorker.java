package dev.gossamer.thin;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * Admits requests to the single writer of a pool: everything that changes metadata, or must read metadata that no loop has,
 * happens on its loop. Requests arrive through {@link #defer} from I/O loops, and go back to them.
 *
 * <p>A turn serves all requests that have arrived: decides each one (load a region, write to a block, unmap), then starts the
 * cells, so that writes to one block that came together share one preparation.
 */
final class PoolWorker {
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final PoolLoops loops;
    private final Cells cells;
    private final RegionLoads regionLoads;
    private final BlockWrites writes;
    private final Unmapper unmapper;
    private final SpaceWaiters spaceWaiters;
    private final Committer committer;
    private final PoolState state;
    private final PoolFaults faults;
    private final PoolCounters counters;

    private final RequestStack deferred = new RequestStack();
    private final Runnable turn = this::turn;

    PoolWorker(
            IoLoop loop,
            PoolMetadata metadata,
            PoolLoops loops,
            Cells cells,
            RegionLoads regionLoads,
            BlockWrites writes,
            Unmapper unmapper,
            SpaceWaiters spaceWaiters,
            Committer committer,
            PoolState state,
            PoolFaults faults,
            PoolCounters counters) {
        this.loop = loop;
        this.metadata = metadata;
        this.loops = loops;
        this.cells = cells;
        this.regionLoads = regionLoads;
        this.writes = writes;
        this.unmapper = unmapper;
        this.spaceWaiters = spaceWaiters;
        this.committer = committer;
        this.state = state;
        this.faults = faults;
        this.counters = counters;
    }

    /** Parks a request with the worker until it hands it back. Any thread. */
    void defer(VolumeHandle volume, BlockRequest request) {
        request.park(volume);
        if (deferred.push(request)) {
            loop.execute(turn);
        }
    }

    private void turn() {
        BlockRequest request = deferred.takeAll();
        while (request != null) {
            BlockRequest following = request.next;
            request.next = null;
            counters.deferredRequests.increment();
            try {
                request.parkedBy().admit(request);
            } catch (AssertionError | RuntimeException bug) {
                // Those behind it get EIO: the pool is in FAIL mode now.
                faults.failed(bug);
            }
            request = following;
        }
        try {
            cells.startAll();
        } catch (AssertionError | RuntimeException bug) {
            faults.failed(bug);
        }
    }

    /** Decides one request. Worker's thread. */
    void admit(VolumeHandle volume, BlockRequest request) {
        Invariant.check(loop.inLoop(), "a request admitted outside the worker's loop");
        ThinDevice device = volume.device();
        if (state.mode() == PoolMode.FAIL) {
            loops.handBack(request, Errno.EIO);
            return;
        }
        if (device.cells().holdBack(request) || device.cells().queueBehindTrim(request)) {
            return;
        }
        try {
            if (Unmapper.isUnmap(device, request)) {
                unmap(volume, request);
            } else {
                serve(volume, request);
            }
        } catch (StorageException e) {
            faults.abort(e);
            loops.handBack(request, verdictAfterAbort(request));
        }
    }

    private void unmap(VolumeHandle volume, BlockRequest request) throws StorageException {
        if (metadata.isNearlyFull() && committer.canFreeMetadata()) {
            // Unmapping copies nodes: first get back what this transaction has used up (S-3).
            spaceWaiters.needMetadata(request);
        } else if (!unmapper.unmap(volume.device(), request)) {
            defer(volume, request);
        }
    }

    private void serve(VolumeHandle volume, BlockRequest request) throws StorageException {
        ThinDevice device = volume.device();
        long block = request.offsetBytes() / device.blockBytes();
        long[] region = device.extents().region(ExtentMap.regionOf(block));
        if (region == null) {
            regionLoads.load(device, ExtentMap.regionOf(block), request);
            return;
        }
        if (block != (request.offsetBytes() + request.lengthBytes() - 1) / device.blockBytes()) {
            // Deferred because the region was not loaded; an earlier request has loaded it since.
            loops.handBack(request, ServedDevice.SERVE_AGAIN);
            return;
        }
        Cell cell = device.cells().at(block);
        if (cell != null) {
            if (!cell.join(request)) {
                cell.waiting.add(request);
            }
        } else if (request.operation() == BlockOperation.READ) {
            loops.handBack(request, ServedDevice.SERVE_AGAIN);
        } else {
            writes.write(volume, block, region, request);
        }
    }

    /** What a request gets whose own metadata operation failed: TRIM is advice, and succeeds without effect (E-2). */
    private int verdictAfterAbort(BlockRequest request) {
        boolean advice = request.operation() == BlockOperation.DISCARD;
        return advice && state.mode() != PoolMode.FAIL ? Errno.OK : Errno.EIO;
    }
}

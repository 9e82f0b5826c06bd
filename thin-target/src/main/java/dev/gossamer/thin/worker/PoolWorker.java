package dev.gossamer.thin.worker;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.TurnListener;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.cell.BlockWrites;
import dev.gossamer.thin.cell.Unmapper;
import dev.gossamer.thin.device.Cell;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.device.VolumeHandle;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.map.RegionLoads;

/**
 * Admits requests to the single writer of a pool: everything that changes metadata, or must read metadata that no loop
 * has, happens on its loop. Requests arrive through {@link #defer} from I/O loops, and go back to them.
 *
 * <p>A turn serves all requests that have arrived: decides each one (load a region, write to a block, unmap), then
 * starts the cells, so that writes to one block that came together share one preparation.
 */
public final class PoolWorker implements TurnListener {
    private final WorkerQueue queue;
    private final Cells cells;
    private final RegionLoads regionLoads;
    private final BlockWrites writes;
    private final Unmapper unmapper;
    private final PoolState state;
    private final PoolFaults faults;
    private final PoolCounters counters;

    public PoolWorker(
            WorkerQueue queue,
            Cells cells,
            RegionLoads regionLoads,
            BlockWrites writes,
            Unmapper unmapper,
            PoolState state,
            PoolFaults faults,
            PoolCounters counters) {
        this.queue = queue;
        this.cells = cells;
        this.regionLoads = regionLoads;
        this.writes = writes;
        this.unmapper = unmapper;
        this.state = state;
        this.faults = faults;
        this.counters = counters;
    }

    /**
     * Parks a request with the worker until it hands it back. On the request's loop, or the worker's for one that is
     * there.
     */
    public void defer(VolumeHandle volume, BlockRequest request) {
        counters.deferredRequests.increment();
        queue.defer(volume, request);
    }

    @Override
    public void turnEnded() {
        cells.startAll();
    }

    /** Those behind the request that has shown the bug get EIO: the pool is in FAIL mode then. */
    @Override
    public void failed(Throwable bug) {
        faults.failed(bug);
    }

    /** Decides one request. Worker's thread. */
    public void admit(VolumeHandle volume, BlockRequest request) {
        queue.checkThread();
        ThinDevice device = volume.device();
        if (state.mode() == PoolMode.FAIL) {
            queue.handBack(request, Errno.EIO);
            return;
        }
        if (device.cells().holdBack(request)
                || device.cells().queueBehindTrim(request)
                || device.cells().waitForJob(request)) {
            return;
        }
        if (request.lengthBytes() > volume.endBytes(request) - request.offsetBytes()) {
            // The volume has shrunk while the request waited: nothing may be mapped behind its end any more.
            queue.handBack(request, Errno.EINVAL);
            return;
        }
        try {
            if (Unmapper.isUnmap(device, request)) {
                unmap(volume, request);
            } else {
                serve(volume, request);
            }
        } catch (StorageException e) {
            faults.failed(device, e);
            queue.handBack(request, verdictAfterFailure(device, request));
        }
    }

    private void unmap(VolumeHandle volume, BlockRequest request) throws StorageException {
        if (volume.device().damage() != null) {
            queue.handBack(request, Errno.EIO);
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
            queue.handBack(request, ServedDevice.SERVE_AGAIN);
            return;
        }
        Cell cell = device.cells().at(block);
        if (cell != null) {
            if (!cell.join(request)) {
                cell.waiting.add(request);
            }
        } else if (request.operation() == BlockOperation.READ) {
            queue.handBack(request, ServedDevice.SERVE_AGAIN);
        } else {
            writes.write(volume, block, region, request);
        }
    }

    /** What a request gets whose own metadata operation failed: TRIM is advice, and succeeds without effect (E-2). */
    private int verdictAfterFailure(ThinDevice device, BlockRequest request) {
        boolean advice = request.operation() == BlockOperation.DISCARD;
        return advice && device.damage() == null && state.mode() != PoolMode.FAIL ? Errno.OK : Errno.EIO;
    }
}

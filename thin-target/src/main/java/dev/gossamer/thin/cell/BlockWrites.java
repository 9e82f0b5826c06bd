package dev.gossamer.thin.cell;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.PartialTrims;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.device.VolumeHandle;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.space.SpaceWaiters;

/**
 * Decides what a write to one block needs, which no cell holds:
 *
 * <pre>
 *  nothing mapped                              a new data block          ({@link Provisioner})
 *  mapped before the last snapshot, shared     a new data block, copied  ({@link Provisioner})
 *  mapped before it, and nobody else's         the old one back          ({@link EndedSharing})
 *  mapped since, whole sectors                 nothing: the loop writes in place
 *  mapped since, parts of sectors              read, change, write back  ({@link SectorRewrite})
 * </pre>
 *
 * <p>Worker's thread.
 */
public final class BlockWrites implements SectorRewrite.Owner {
    private final WorkerQueue queue;
    private final RequestsInFlight inFlight;
    private final Cells cells;
    private final CellIo io;
    private final MapPublisher maps;
    private final PartialTrims partialTrims;
    private final Provisioner provisioner;
    private final EndedSharing claims;
    private final SpaceWaiters spaceWaiters;
    private final PoolFaults faults;

    public BlockWrites(
            WorkerQueue queue,
            RequestsInFlight inFlight,
            Cells cells,
            CellIo io,
            MapPublisher maps,
            PartialTrims partialTrims,
            Provisioner provisioner,
            EndedSharing claims,
            SpaceWaiters spaceWaiters,
            PoolFaults faults) {
        this.queue = queue;
        this.inFlight = inFlight;
        this.cells = cells;
        this.io = io;
        this.maps = maps;
        this.partialTrims = partialTrims;
        this.provisioner = provisioner;
        this.claims = claims;
        this.spaceWaiters = spaceWaiters;
        this.faults = faults;
    }

    /**
     * Decides a request that writes to one block.
     *
     * @param region the block's, as it is published
     */
    public void write(VolumeHandle volume, long block, long[] region, BlockRequest request) throws StorageException {
        ThinDevice device = volume.device();
        int inRegion = ExtentMap.blockInRegion(block);
        int index = Region.find(region, inRegion);
        if (index < 0) {
            provisioner.prepare(volume, block, BlockPreparation.NO_SOURCE, request);
            return;
        }
        long dataBlock = Region.dataBlock(region, index, inRegion);
        int time = Region.time(region, index);
        if (Region.kind(region, index) == Region.TRIMMED) {
            partialTrims.forget(device, block, block + 1);
            maps.publishKind(device, block, Region.MAPPED);
        }
        if (time < device.snapshottedTime()) {
            if (!claims.claim(device, block, dataBlock, request)) {
                provisioner.prepare(volume, block, dataBlock, request);
            }
        } else if (io.isAligned(request)) {
            queue.handBack(request, ServedDevice.SERVE_AGAIN);
        } else {
            rewrite(device, block, dataBlock, time, request);
        }
    }

    private void rewrite(ThinDevice device, long block, long dataBlock, int time, BlockRequest request) {
        SectorRewrite cell = new SectorRewrite(io, device, block, faults.incarnation(), dataBlock, time, request, this);
        cells.hold(cell);
        request.taken();
        try {
            maps.publish(device, block, Region.LOCKED, time, dataBlock);
            inFlight.drain(cell::begin);
        } catch (RuntimeException | Error bug) {
            broken(cell, bug);
        }
    }

    /** A sector rewrite is done: lets loops at the block again. */
    @Override
    public void rewritten(SectorRewrite cell, int errno) {
        int verdict = Errno.EIO;
        try {
            if (cell.incarnation == faults.incarnation()) {
                maps.publish(cell.device, cell.virtualBlock, Region.MAPPED, cell.time(), cell.dataBlock());
                verdict = errno;
            } else {
                maps.forget(cell.device, cell.virtualBlock);
            }
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
        }
        BlockRequest request = cell.request();
        boolean hasRoom = verdict == Errno.OK && request.hasFlag(BlockRequest.TRIES_ROOM);
        if (SpaceWaiters.isFullBelow(verdict)) {
            spaceWaiters.refused(request);
        } else {
            queue.handBack(request, verdict);
        }
        cells.release(cell);
        if (hasRoom) {
            spaceWaiters.deviceHasRoom();
        }
    }

    @Override
    public void broken(SectorRewrite cell, Throwable bug) {
        faults.failed(bug);
        if (!cell.isReleased()) {
            queue.handBack(cell.request(), Errno.EIO);
            cells.release(cell);
        }
    }
}

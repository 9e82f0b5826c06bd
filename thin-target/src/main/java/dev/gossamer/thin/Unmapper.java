package dev.gossamer.thin;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.metadata.PoolMetadata;

/** Carries out TRIM and WRITE_ZEROES of whole blocks, a step at a time (rules DI-1 to DI-4). Worker's thread. */
final class Unmapper {
    /** A discard is carried out in steps of at most so many blocks, others in between (rule L-4). */
    private static final long STEP_BLOCKS = 1024;

    private final PoolWorker worker;
    private final PoolMetadata metadata;
    private final MapPublisher maps;
    private final PoolCounters counters;

    Unmapper(PoolWorker worker, PoolMetadata metadata, MapPublisher maps, PoolCounters counters) {
        this.worker = worker;
        this.metadata = metadata;
        this.maps = maps;
        this.counters = counters;
    }

    /** Whether a request unmaps: what remains of it are whole blocks. */
    static boolean isUnmap(BlockRequest request) {
        if (request.operation() == BlockOperation.DISCARD) {
            return true;
        }
        ThinVolume volume = (ThinVolume) request.parkedBy;
        return request.operation() == BlockOperation.WRITE_ZEROES
                && !request.hasFlag(BlockRequest.NO_UNMAP)
                && volume.firstWholeBlock(request) < volume.endWholeBlock(request);
    }

    /** Unmaps the next step of a request's whole blocks, then hands it back or queues it again. */
    void unmap(ThinDevice device, BlockRequest request) throws StorageException {
        ThinVolume volume = (ThinVolume) request.parkedBy;
        long from = volume.firstWholeBlock(request) + request.progressBytes;
        long end = volume.endWholeBlock(request);
        if (worker.state().isFrozen()) {
            // TRIM is advice, and succeeds without effect (table 1.4); zeros are a promise that cannot be kept.
            worker.handBack(request, request.operation() == BlockOperation.DISCARD ? Errno.OK : Errno.EIO);
            return;
        }
        long to = Math.min(end, nextMapped(device, from, end) + STEP_BLOCKS);
        Cell busy = busyCell(device, from, to);
        if (busy != null) {
            busy.waiting.add(request);
            return;
        }
        long removed = metadata.removeRange(device.id, from, to);
        if (removed > 0) {
            worker.committer().changed(device);
            device.mappedBlocks = metadata.details(device.id).mappedBlocks();
            counters.unmappedBlocks.add(removed);
            maps.withdraw(device, from, to);
        }
        if (to >= end) {
            worker.handBack(request, Errno.OK);
        } else {
            // progressBytes counts blocks here: the request has not been at a disk.
            request.progressBytes += (int) (to - from);
            worker.defer(volume, request);
        }
    }

    /** First mapped block in the range, or its end: a trim of unmapped space costs one look-up. */
    private long nextMapped(ThinDevice device, long from, long end) throws StorageException {
        BTreeCursor cursor = metadata.cursor(device.id, from);
        return cursor.next() && cursor.key() < end ? cursor.key() : end;
    }

    private static Cell busyCell(ThinDevice device, long from, long to) {
        for (Cell cell : device.cells.values()) {
            if (cell.virtualBlock >= from && cell.virtualBlock < to) {
                return cell;
            }
        }
        return null;
    }
}

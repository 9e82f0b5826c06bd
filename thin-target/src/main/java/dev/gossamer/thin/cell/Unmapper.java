package dev.gossamer.thin.cell;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PartialTrims;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.QueuedTrim;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.SpaceGate;

/**
 * Carries out TRIM and WRITE_ZEROES of whole blocks (rules DI-1 to DI-4), in steps of at most {@link #STEP_BLOCKS}
 * blocks with other requests in between (L-4). What a step frees goes to the {@code Quarantine} after the next commit.
 *
 * <p>A step takes place in one go, so it needs no cell. Reads and writes in place that loops have under way may still
 * reach the old data blocks: these stay out of use until the loops are drained. Only blocks in preparation must be
 * waited for, since they may be reading the old block or be about to map a new one; the step then waits as a {@link
 * QueuedTrim}.
 *
 * <p>Worker's thread.
 */
public final class Unmapper {
    /** The width of a step: what the kernel allows a range cell. */
    public static final long STEP_BLOCKS = 1024;

    /** Of {@link #unmapNext}: nothing is mapped any more. */
    public static final long NONE_LEFT = -1;

    /** Of {@link #unmapNext}: too much has been freed of late; some of it will be released by itself. */
    public static final long TOO_MUCH_FREED = -3;

    /** Of {@link #unmapNext}: there is too little metadata for that, before a commit at least. */
    public static final long NO_METADATA = -2;

    private final WorkerQueue queue;
    private final PoolState state;
    private final SpaceGate space;
    private final Committer committer;
    private final PoolMetadata metadata;
    private final MapPublisher maps;
    private final PartialTrims partialTrims;
    private final PoolCounters counters;

    public Unmapper(
            WorkerQueue queue,
            PoolState state,
            SpaceGate space,
            Committer committer,
            PoolMetadata metadata,
            MapPublisher maps,
            PartialTrims partialTrims,
            PoolCounters counters) {
        this.queue = queue;
        this.state = state;
        this.space = space;
        this.committer = committer;
        this.metadata = metadata;
        this.maps = maps;
        this.partialTrims = partialTrims;
        this.counters = counters;
    }

    /** Whether a request unmaps: what remains of it are whole blocks, or a TRIM of a part of one. */
    public static boolean isUnmap(ThinDevice device, BlockRequest request) {
        if (request.operation() == BlockOperation.DISCARD) {
            return true;
        }
        return request.operation() == BlockOperation.WRITE_ZEROES
                && !request.hasFlag(BlockRequest.NO_UNMAP)
                && device.firstWholeBlock(request) < device.endWholeBlock(request);
    }

    /**
     * Unmaps the next step of a request's whole blocks, then hands it back or queues it.
     *
     * @return false if another step is to follow, after other requests
     */
    public boolean unmap(ThinDevice device, BlockRequest request) throws StorageException {
        if (state.isMetadataReadOnly()) {
            // TRIM is advice, and succeeds without effect (table 1.4); zeros are a promise that cannot be kept.
            queue.handBack(request, request.operation() == BlockOperation.DISCARD ? Errno.OK : state.refusedWrite());
            return true;
        }
        long first = device.firstWholeBlock(request);
        long end = device.endWholeBlock(request);
        if (first >= end) {
            trimPart(device, request);
            return true;
        }
        if (isKept(device, first + request.progress())) {
            queue.handBack(request, Errno.OK);
            return true;
        }
        long from = nextMapped(device, first + request.progress(), end);
        long to = Math.min(end, from + STEP_BLOCKS);
        if (from < to) {
            QueuedTrim step = new QueuedTrim(request, from, to);
            if (device.cells().isHeld(step.fromBlock, step.toBlock)) {
                device.cells().queue(step);
                return true;
            }
            long kept = space.unmappable(device, to - from);
            if (kept == 0) {
                return keep(request);
            }
            // Unmapping copies nodes, too (S-3).
            long blocks = space.admitRemoval(device, from, kept, request);
            if (blocks == 0) {
                return true;
            }
            to = from + blocks;
            unmap(device, from, to);
        }
        if (to >= end) {
            queue.handBack(request, Errno.OK);
            return true;
        }
        // Counts blocks: the request has not been at a disk.
        request.setProgress(to - first);
        return false;
    }

    /**
     * What is unmapped would be needed again, and is not there: TRIM, which is advice, has no effect, and zeros are
     * written (AC-14).
     *
     * @return false: the request is looked at again
     */
    private boolean keep(BlockRequest request) {
        if (request.operation() == BlockOperation.DISCARD) {
            queue.handBack(request, Errno.OK);
            return true;
        }
        request.setProgress(0);
        request.setFlags(request.flags() | BlockRequest.NO_UNMAP);
        return false;
    }

    /** TRIM is advice: what has been copied from an external origin is not given up to it before that is done. */
    private static boolean isKept(ThinDevice device, long block) {
        return device.isDetaching() && device.isOverExternalOrigin(block * device.blockBytes());
    }

    /** A TRIM of a part of one block: unmaps the block once trims have covered all of it (NBD T37a). */
    private void trimPart(ThinDevice device, BlockRequest request) throws StorageException {
        long from = request.offsetBytes();
        long to = from + request.lengthBytes();
        long block = from / device.blockBytes();
        QueuedTrim step = new QueuedTrim(request, block, block + 1);
        if (isKept(device, block)) {
            queue.handBack(request, Errno.OK);
            return;
        }
        if (device.cells().isHeld(step.fromBlock, step.toBlock)) {
            device.cells().queue(step);
            return;
        }
        if (nextMapped(device, block, block + 1) == block) {
            boolean covered = partialTrims.add(device, block, from, to);
            // As long as there is a record, writes come to the worker: also while the trim waits, or if it fails.
            maps.publishKind(device, block, Region.TRIMMED);
            if (covered && space.unmappable(device, 1) > 0) {
                if (space.admitRemoval(device, block, 1, request) == 0) {
                    return;
                }
                unmap(device, block, block + 1);
            }
        }
        queue.handBack(request, Errno.OK);
    }

    /**
     * Unmaps the next blocks of a volume that are mapped from {@code from} on, where it has come to an end: no request
     * reaches them.
     *
     * @return the block to go on with; {@link #NONE_LEFT}, or {@link #NO_METADATA} or {@link #TOO_MUCH_FREED} if not
     *     one can be unmapped now
     */
    public long unmapNext(ThinDevice device, long from) throws StorageException {
        long first = nextMapped(device, from, Long.MAX_VALUE);
        if (first == Long.MAX_VALUE) {
            return NONE_LEFT;
        }
        if (space.isTooMuchWithheld()) {
            return TOO_MUCH_FREED;
        }
        long blocks = space.removable(device, first, STEP_BLOCKS);
        if (blocks == 0) {
            return NO_METADATA;
        }
        unmap(device, first, first + blocks);
        return first + blocks;
    }

    /** Whether a block is mapped. */
    public boolean isMapped(ThinDevice device, long block) throws StorageException {
        return nextMapped(device, block, block + 1) == block;
    }

    private void unmap(ThinDevice device, long from, long to) throws StorageException {
        partialTrims.forget(device, from, to);
        long removed = metadata.removeRange(device.id(), from, to);
        if (removed > 0) {
            committer.changed(device);
            device.countMapped(metadata.details(device.id()).mappedBlocks());
            counters.unmappedBlocks.add(removed);
            maps.withdraw(device, from, to);
        }
    }

    /** First mapped block in the range, or its end: a trim of unmapped space costs one look-up. */
    private long nextMapped(ThinDevice device, long from, long end) throws StorageException {
        BTreeCursor cursor = metadata.cursor(device.id(), from);
        return cursor.next() && cursor.key() < end ? cursor.key() : end;
    }
}

package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.order.OrderedWrites;
import dev.gossamer.io.order.WriteOrder;
import dev.gossamer.io.worker.LongCommands;
import dev.gossamer.io.worker.PerLoop;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.io.worker.RunCutter;
import dev.gossamer.thin.device.OriginImage;
import dev.gossamer.thin.device.PartialTrims;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.device.VolumeHandle;
import dev.gossamer.thin.map.MapLookup;
import dev.gossamer.thin.space.SpaceWaiters;
import dev.gossamer.thin.worker.PoolWorker;
import java.util.function.Consumer;

/**
 * Serves the requests of one open handle of a volume: what the published map answers goes to the data device at once,
 * what needs metadata goes to the pool's worker and comes back. On the request's loop, but for {@link #admit}.
 */
class VolumeRequests extends RunCutter<MapLookup> implements VolumeHandle {
    private final ThinDevice device;
    private final BlockDevice data;
    private final int dataAlignmentBytes;
    private final PerLoop<MapLookup> lookups;
    private final PerLoop<LongCommands> longCommands;
    private final RequestsInFlight inFlight;
    private final PoolWorker worker;
    private final OrderedWrites writes;
    private final SpaceWaiters spaceWaiters;
    private final Consumer<BlockRequest> serveWhole = this::serveWhole;
    private final BlockCompletion written = this::written;
    // Set by whoever opened the handle, read by the worker.
    private volatile boolean impatient;

    VolumeRequests(
            ThinDevice device,
            BlockDevice data,
            WriteOrder order,
            PerLoop<MapLookup> lookups,
            PerLoop<LongCommands> longCommands,
            RequestsInFlight inFlight,
            PoolWorker worker,
            SpaceWaiters spaceWaiters) {
        super(lookups);
        this.device = device;
        this.data = data;
        this.dataAlignmentBytes = data.geometry().alignmentBytes();
        this.lookups = lookups;
        this.longCommands = longCommands;
        this.inFlight = inFlight;
        this.worker = worker;
        this.spaceWaiters = spaceWaiters;
        this.writes = new OrderedWrites(order, this::serve);
    }

    @Override
    public ThinDevice device() {
        return device;
    }

    @Override
    public boolean isAbandoned() {
        return writes.isAbandoned();
    }

    @Override
    public boolean waitsForSpace() {
        return !impatient && !isAbandoned();
    }

    void neverWaitForSpace() {
        impatient = true;
    }

    /** Nobody waits for these requests any more. */
    void abandon() {
        writes.abandon();
    }

    /** Serves a write, which is not empty, now or after older ones that it overlaps (NBD T51a). */
    void serveInOrder(BlockRequest write) {
        writes.submit(write);
    }

    @Override
    public void admit(BlockRequest request) {
        worker.admit(this, request);
    }

    /** Serves a request that has waited; the volume may have shrunk in the meantime (NBD T63). */
    @Override
    public void serve(BlockRequest request) {
        if (request.lengthBytes() > endBytes(request) - request.offsetBytes()) {
            request.complete(Errno.EINVAL);
        } else {
            serveChecked(request);
        }
    }

    /** An unaligned read takes whole sectors, and the last may reach behind the volume's end (NBD T48). */
    @Override
    public long endBytes(BlockRequest request) {
        if (request.operation() != BlockOperation.READ) {
            return device.sizeBytes();
        }
        OriginImage origin = device.externalOrigin();
        // As much as any origin asks for: what this one does may not be known yet when the read is rounded.
        long alignment =
                origin == null ? dataAlignmentBytes : Math.max(dataAlignmentBytes, OriginImage.MAX_ALIGNMENT_BYTES);
        return (device.sizeBytes() + alignment - 1) & -alignment;
    }

    /**
     * Serves a request with a range, or a part of one, from its first byte on: checked, inside the volume, not empty.
     */
    void serveChecked(BlockRequest request) {
        switch (request.operation()) {
            case READ, WRITE -> serveWhole(request);
            case DISCARD -> discard(request);
            case WRITE_ZEROES -> writeZeroes(request);
            case FLUSH -> throw new AssertionError("a flush has no range");
        }
    }

    @Override
    protected void find(MapLookup run, BlockRequest request, long fromBytes, long toBytes) {
        boolean write = request.operation() != BlockOperation.READ;
        run.find(device, fromBytes, toBytes, write ? device.snapshottedTime() : 0, write);
    }

    @Override
    protected void serve(BlockRequest piece, MapLookup run) {
        switch (run.action()) {
            case REMAP -> {
                if (piece.isAligned(dataAlignmentBytes)) {
                    if (piece.operation() != BlockOperation.READ) {
                        piece.push(written);
                    }
                    inFlight.enter(piece, run.dataOffsetBytes());
                    submitToData(piece);
                } else {
                    deferUnaligned(piece);
                }
            }
            case UNMAPPED -> serveUnmapped(piece);
            case WORKER -> worker.defer(this, piece);
        }
    }

    private void submitToData(BlockRequest piece) {
        if (piece.operation() == BlockOperation.WRITE_ZEROES) {
            // The block stays mapped, so its space on the data device must stay allocated too.
            piece.setFlags(piece.flags() | BlockRequest.NO_UNMAP);
        }
        data.start(piece);
    }

    /**
     * A write to a mapped block has ended. There may be a hole where it goes, and no room below the data device: then
     * it waits, or fails, like one for which the pool has no block (S-1 to S-3).
     */
    private void written(BlockRequest piece, int errno) {
        if (SpaceWaiters.isFullBelow(errno)) {
            spaceWaiters.refusedBelow(this, piece);
            return;
        }
        if (errno == Errno.OK && piece.hasFlag(BlockRequest.TRIES_ROOM)) {
            spaceWaiters.wroteBelow();
        }
        piece.complete(errno);
    }

    private void serveUnmapped(BlockRequest piece) {
        OriginImage origin = piece.operation() == BlockOperation.READ ? device.externalOrigin() : null;
        if (origin != null && piece.offsetBytes() < origin.sizeBytes()) {
            if (origin.isUnknown() && origin.hold(piece, () -> serve(piece))) {
                return; // Not under way: nobody who drains waits for it.
            }
            // Counted, so that the origin is not closed under it when the volume is taken off that.
            inFlight.enter(piece, piece.offsetBytes());
            origin.read(piece);
        } else if (piece.operation() == BlockOperation.READ) {
            piece.buffer().zero(piece.bufferOffsetBytes(), (int) piece.lengthBytes());
            piece.complete(Errno.OK);
        } else if (piece.operation() == BlockOperation.WRITE_ZEROES && !piece.hasFlag(BlockRequest.NO_UNMAP)) {
            piece.complete(Errno.OK);
        } else {
            worker.defer(this, piece);
        }
    }

    /** The worker rewrites blocks one at a time, so a run of several is cut first. */
    private void deferUnaligned(BlockRequest piece) {
        long blockBytes = device.blockBytes();
        long from = piece.offsetBytes();
        long to = from + piece.lengthBytes();
        if (from / blockBytes == (to - 1) / blockBytes) {
            worker.defer(this, piece);
            return;
        }
        piece.beginSplit();
        while (from < to) {
            long end = Math.min(to, (from / blockBytes + 1) * blockBytes);
            worker.defer(this, piece.child(from, end - from));
            from = end;
        }
        piece.endSplit();
    }

    /**
     * TRIM: whole blocks inside the range are unmapped, the rest stays as it is (DI-1). The worker hears of the rest if
     * it may free a block together with other trims (NBD T37a).
     */
    private void discard(BlockRequest request) {
        long from = request.offsetBytes();
        long to = from + request.lengthBytes();
        long wholeFrom = device.firstWholeBlock(request) * device.blockBytes();
        long wholeTo = device.endWholeBlock(request) * device.blockBytes();
        if (wholeFrom == from && wholeTo == to) {
            worker.defer(this, request);
            return;
        }
        request.beginSplit();
        if (wholeFrom < wholeTo) {
            worker.defer(this, request.child(wholeFrom, wholeTo - wholeFrom));
        }
        trimPart(request, from, Math.min(to, wholeFrom));
        if (wholeFrom <= wholeTo) {
            trimPart(request, wholeTo, to);
        }
        request.endSplit();
    }

    /** A part of one block, perhaps empty. */
    private void trimPart(BlockRequest request, long fromBytes, long toBytes) {
        if (PartialTrims.isWorthNoting(device.blockBytes(), fromBytes, toBytes)) {
            MapLookup run = lookups.of(request.loop());
            run.find(device, fromBytes, toBytes, 0, false);
            if (run.action() != MapLookup.Action.UNMAPPED) {
                worker.defer(this, request.child(fromBytes, toBytes - fromBytes));
            }
        }
    }

    /**
     * Whole blocks are unmapped, unless that is forbidden; what is left of the range is written with zeros (T30, T31).
     */
    private void writeZeroes(BlockRequest request) {
        long from = request.offsetBytes();
        long to = from + request.lengthBytes();
        long wholeFrom = device.firstWholeBlock(request) * device.blockBytes();
        long wholeTo = device.endWholeBlock(request) * device.blockBytes();
        if (request.hasFlag(BlockRequest.NO_UNMAP)) {
            // Each block that is not mapped yet costs a request and a cell.
            longCommands.of(request.loop()).serve(request, device.blockBytes(), serveWhole, this);
        } else if (wholeFrom >= wholeTo) {
            serveWhole(request);
        } else if (wholeFrom == from && wholeTo == to) {
            worker.defer(this, request);
        } else {
            request.beginSplit();
            worker.defer(this, request.child(wholeFrom, wholeTo - wholeFrom));
            if (from < wholeFrom) {
                servePart(request, from, wholeFrom);
            }
            if (wholeTo < to) {
                servePart(request, wholeTo, to);
            }
            request.endSplit();
        }
    }
}

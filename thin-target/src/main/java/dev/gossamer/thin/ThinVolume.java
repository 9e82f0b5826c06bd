package dev.gossamer.thin;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.order.WriteOrder;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * An open handle of a volume: the block device that is exported. Serves any range, aligned or not.
 *
 * <p>Everything here runs on the request's loop. A mapped piece is redirected to the data device at once; what needs
 * metadata goes to the pool's worker and comes back through {@link LoopShare#handBack}.
 */
public final class ThinVolume implements BlockDevice, VolumeHandle {
    /** What may be written with zeros by a request that must be fast, however short it is. */
    private static final long FAST_ZERO_EDGE_BYTES = 64 << 10;

    private final ThinDevice device;
    private final PoolState state;
    private final PoolLoops loops;
    private final PoolWorker worker;
    private final Committer committer;
    private final MapPrefetch mapPrefetch;
    private final StatusReader statusReader;
    private final SpaceWaiters spaceWaiters;
    private final DiscardMode discardMode;
    private final BlockDevice data;
    private final int dataAlignmentBytes;
    private final int readAlignmentBytes;
    private final WriteOrder order;
    private final Consumer<BlockRequest> inTurn = this::inTurn;
    private final BlockCompletion afterFuaWrite = this::afterFuaWrite;
    private final BlockCompletion afterSliceRead = this::afterSliceRead;
    private final BlockCompletion afterCommit = this::afterCommit;
    private final BlockCompletion afterDataFlush = ThinVolume::afterDataFlush;
    private boolean closed;
    // Set by the connection's loop, read by the worker.
    private volatile boolean abandoned;

    ThinVolume(ThinDevice device, BlockDevice data, PoolParts pool) {
        this.device = device;
        this.state = pool.state;
        this.loops = pool.loops;
        this.worker = pool.worker;
        this.committer = pool.committer;
        this.mapPrefetch = pool.mapPrefetch;
        this.statusReader = pool.statusReader;
        this.spaceWaiters = pool.spaceWaiters;
        this.discardMode = pool.discardMode;
        this.data = data;
        this.dataAlignmentBytes = data.geometry().alignmentBytes();
        this.order = device.writeOrder(loops);
        OriginImage origin = device.externalOrigin();
        this.readAlignmentBytes =
                origin == null ? dataAlignmentBytes : Math.max(dataAlignmentBytes, origin.alignmentBytes());
    }

    @Override
    public BlockGeometry geometry() {
        boolean readOnly = device.isReadOnly() || state.mode().isFinal();
        return new BlockGeometry(device.sizeBytes(), 1, readOnly, ignoresDiscard() ? 0 : device.blockBytes());
    }

    private boolean ignoresDiscard() {
        return discardMode == DiscardMode.IGNORE;
    }

    @Override
    public long sizeBytes() {
        return device.sizeBytes();
    }

    /** The volume's facts now. */
    public VolumeInfo info() {
        return device.info();
    }

    /** The volume's name now. Any thread. */
    public String name() {
        return device.name();
    }

    /** For the worker. */
    @Override
    public ThinDevice device() {
        return device;
    }

    /**
     * Divides a range, which is not empty, into data and holes. A hole is zero at this moment; what is data may be zero
     * too. For a loop of the pool; asks nobody and allocates nothing.
     */
    public void layout(IoLoop loop, long offsetBytes, long lengthBytes, ReadLayout layout) {
        MappedRun run = loops.share(loop).run;
        long end = offsetBytes + lengthBytes;
        layout.begin(offsetBytes);
        for (long position = offsetBytes; position < end; position = run.endBytes) {
            run.find(device, position, end, 0, false);
            layout.add(run.endBytes, run.action == MappedRun.Action.UNMAPPED && !device.isOverExternalOrigin(position));
        }
        layout.finish();
    }

    /**
     * Loads the mappings of a range, which is not empty and inside the volume (NBD CACHE). For a loop of the pool.
     *
     * @param answered told an errno on that loop, perhaps before this returns
     */
    public void prefetch(IoLoop loop, long offsetBytes, long lengthBytes, IntConsumer answered) {
        mapPrefetch.load(device, loop, offsetBytes, lengthBytes, answered);
    }

    @Override
    public void submit(BlockRequest request) {
        assert request.loop().inLoop() : "a request submitted outside its loop";
        BlockOperation operation = request.operation();
        if (state.mode() == PoolMode.FAIL) {
            request.complete(Errno.EIO);
            return;
        }
        if (operation == BlockOperation.FLUSH) {
            stabilize(request);
            return;
        }
        long offset = request.offsetBytes();
        long length = request.lengthBytes();
        if (offset < 0 || length < 0 || length > device.sizeBytes() - offset) {
            request.complete(Errno.EINVAL);
            return;
        }
        if (operation != BlockOperation.READ) {
            if (device.isReadOnly()) {
                request.complete(Errno.EROFS);
                return;
            }
            if (operation == BlockOperation.DISCARD && ignoresDiscard()) {
                request.complete(Errno.EOPNOTSUPP);
                return;
            }
            if (request.hasFlag(BlockRequest.FUA)) {
                request.setFlags(request.flags() & ~BlockRequest.FUA);
                request.push(afterFuaWrite);
            }
        } else if (!request.isAligned(readAlignmentBytes)) {
            readSlice(request, offset);
            return;
        }
        if (operation == BlockOperation.WRITE_ZEROES && device.isOverExternalOrigin(offset)) {
            // Unmapping would let the origin show through again: zeros have to be mapped.
            request.setFlags(request.flags() | BlockRequest.NO_UNMAP);
        }
        if (request.hasFlag(BlockRequest.FAST_ZERO)) {
            if (!isFastToZero(request)) {
                request.complete(Errno.EOPNOTSUPP);
                return;
            }
            request.setFlags(request.flags() & ~BlockRequest.FAST_ZERO);
        }
        if (length == 0) {
            request.complete(Errno.OK);
        } else if (operation == BlockOperation.READ || order.enter(request, inTurn)) {
            serveChecked(request);
        }
    }

    /** Whether zeroing is little more than unmapping: few bytes lie outside whole blocks (NBD T32). */
    private boolean isFastToZero(BlockRequest request) {
        long wholeBytes = Math.max(0, device.endWholeBlock(request) - device.firstWholeBlock(request)) * device.blockBytes();
        long written = request.lengthBytes() - wholeBytes;
        return !request.hasFlag(BlockRequest.NO_UNMAP)
                && written <= Math.max(FAST_ZERO_EDGE_BYTES, request.lengthBytes() / 8);
    }

    /**
     * Tells what is mapped, shared or changed in a range (NBD BLOCK_STATUS). The answer arrives on the query's loop;
     * volume, contexts and query stay as they are until then.
     */
    public void queryStatus(StatusQuery query) {
        statusReader.ask(device, query);
    }

    /**
     * Whoever used this handle is gone: requests that wait for space end, without effect (N-5). The others complete as
     * usual; close the handle when all have. Any thread.
     */
    @Override
    public void abandon() {
        abandoned = true;
        spaceWaiters.abandonSoon(this);
    }

    @Override
    public boolean isAbandoned() {
        return abandoned;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.close();
        }
    }

    /**
     * Serves a write that has waited for older ones. Its connection may be gone: nothing is started for that (NBD
     * T51a).
     */
    private void inTurn(BlockRequest write) {
        if (abandoned) {
            write.complete(Errno.ESHUTDOWN);
        } else {
            serve(write);
        }
    }

    /** Serves a request that the worker has handed back; the volume may have shrunk in the meantime (NBD T63). */
    @Override
    public void serve(BlockRequest request) {
        if (request.lengthBytes() > device.sizeBytes() - request.offsetBytes()) {
            request.complete(Errno.EINVAL);
        } else {
            serveChecked(request);
        }
    }

    @Override
    public void admit(BlockRequest request) {
        worker.admit(this, request);
    }

    /** Serves a request, or a part of one, from its first byte on: checked, inside the volume, not empty. */
    private void serveChecked(BlockRequest request) {
        switch (request.operation()) {
            case READ, WRITE -> serveRuns(
                    request, request.offsetBytes(), request.offsetBytes() + request.lengthBytes());
            case DISCARD -> discard(request);
            case WRITE_ZEROES -> writeZeroes(request);
            case FLUSH -> stabilize(request);
        }
    }

    /** Cuts the range into runs with one answer each; a request that is one run is served as it is. */
    private void serveRuns(BlockRequest request, long fromBytes, long toBytes) {
        boolean write = request.operation() != BlockOperation.READ;
        int inPlaceFrom = write ? device.snapshottedTime() : 0;
        MappedRun run = loops.share(request.loop()).run;
        boolean whole = fromBytes == request.offsetBytes() && toBytes - fromBytes == request.lengthBytes();
        run.find(device, fromBytes, toBytes, inPlaceFrom, write);
        if (whole && run.endBytes == toBytes) {
            serveRun(request, run);
            return;
        }
        if (whole) {
            request.beginSplit();
        }
        long position = fromBytes;
        while (true) {
            long end = run.endBytes;
            serveRun(request.child(position, end - position), run);
            position = end;
            if (position == toBytes) {
                break;
            }
            run.find(device, position, toBytes, inPlaceFrom, write);
        }
        if (whole) {
            request.endSplit();
        }
    }

    private void serveRun(BlockRequest piece, MappedRun run) {
        switch (run.action) {
            case REMAP -> {
                if (piece.isAligned(dataAlignmentBytes)) {
                    loops.share(piece.loop()).enter(piece, run.dataOffsetBytes);
                    submitToData(piece);
                } else {
                    deferUnaligned(piece);
                }
            }
            case UNMAPPED -> {
                if (piece.operation() == BlockOperation.READ && device.isOverExternalOrigin(piece.offsetBytes())) {
                    device.externalOrigin().read(piece);
                } else if (piece.operation() == BlockOperation.READ) {
                    piece.buffer().zero(piece.bufferOffsetBytes(), (int) piece.lengthBytes());
                    piece.complete(Errno.OK);
                } else if (piece.operation() == BlockOperation.WRITE_ZEROES && !piece.hasFlag(BlockRequest.NO_UNMAP)) {
                    piece.complete(Errno.OK);
                } else {
                    worker.defer(this, piece);
                }
            }
            case WORKER -> worker.defer(this, piece);
        }
    }

    private void submitToData(BlockRequest piece) {
        if (piece.operation() == BlockOperation.WRITE_ZEROES) {
            // The block stays mapped, so its space on the data device must stay allocated too.
            piece.setFlags(piece.flags() | BlockRequest.NO_UNMAP);
        }
        data.submit(piece);
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
            MappedRun run = loops.share(request.loop()).run;
            run.find(device, fromBytes, toBytes, 0, false);
            if (run.action != MappedRun.Action.UNMAPPED) {
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
        if (request.hasFlag(BlockRequest.NO_UNMAP) || wholeFrom >= wholeTo) {
            serveRuns(request, from, to);
        } else if (wholeFrom == from && wholeTo == to) {
            worker.defer(this, request);
        } else {
            request.beginSplit();
            worker.defer(this, request.child(wholeFrom, wholeTo - wholeFrom));
            if (from < wholeFrom) {
                serveRuns(request, from, wholeFrom);
            }
            if (wholeTo < to) {
                serveRuns(request, wholeTo, to);
            }
            request.endSplit();
        }
    }

    /**
     * An unaligned READ reads the sectors around it into other memory, a slice at a time, and copies its part (NBD
     * T48). That memory is the loop's share of this pool's: waiting for it while holding a buffer cannot end in a
     * deadlock, because whoever has it waits for the disk only.
     */
    private void readSlice(BlockRequest request, long from) {
        long end = request.offsetBytes() + request.lengthBytes();
        if (from == end) {
            request.complete(Errno.OK);
            return;
        }
        long alignedFrom = from & -(long) readAlignmentBytes;
        long to = Math.min(end, alignedFrom + LoopShare.BOUNCE_SLICE_BYTES);
        long alignedTo = (to + readAlignmentBytes - 1) & -(long) readAlignmentBytes;
        IoBufferPool bounce = loops.share(request.loop()).bounceBuffers;
        IoBuffer covering = bounce.tryAcquire((int) (alignedTo - alignedFrom));
        if (covering == null) {
            bounce.whenReleased(() -> readSlice(request, from));
            return;
        }
        BlockRequest read = request.loop().requests().acquire();
        read.transfer(BlockOperation.READ, alignedFrom, (int) (alignedTo - alignedFrom), 0, covering, 0);
        read.owner = request;
        read.push(afterSliceRead);
        serveChecked(read);
    }

    private void afterSliceRead(BlockRequest read, int errno) {
        BlockRequest request = (BlockRequest) read.owner;
        IoBuffer covering = read.buffer();
        // The slice before ended at a sector's border, where this one began.
        long from = Math.max(request.offsetBytes(), read.offsetBytes());
        long to = Math.min(
                request.offsetBytes() + request.lengthBytes(), read.offsetBytes() + LoopShare.BOUNCE_SLICE_BYTES);
        if (errno == Errno.OK) {
            request.buffer()
                    .copyFrom(
                            request.bufferOffsetBytes() + (int) (from - request.offsetBytes()),
                            covering,
                            (int) (from - read.offsetBytes()),
                            (int) (to - from));
        }
        read.recycle();
        covering.release();
        if (errno == Errno.OK) {
            readSlice(request, to);
        } else {
            request.complete(errno);
        }
    }

    private void afterFuaWrite(BlockRequest request, int errno) {
        if (errno == Errno.OK) {
            stabilize(request);
        } else {
            request.complete(errno);
        }
    }

    /**
     * Completes a request once everything that had completed on this volume is stable (G-3): by a commit if the volume
     * has changes that no commit covers yet, else by a flush of the data device alone.
     *
     * <p>The worker marks a volume changed before it publishes the mapping. Whoever wrote through that mapping sees the
     * mark, so "unchanged" means that no completed write depends on an uncommitted mapping.
     */
    private void stabilize(BlockRequest request) {
        if (device.hasLostChanges()) {
            request.complete(Errno.EIO);
        } else if (committer.isUncommitted(device)) {
            request.push(afterCommit);
            committer.waitForCommit(request);
        } else if (request.operation() == BlockOperation.FLUSH) {
            data.submit(request);
        } else {
            BlockRequest flush = request.loop().requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            flush.owner = request;
            flush.push(afterDataFlush);
            data.submit(flush);
        }
    }

    /** A commit after an abort covers nothing of what the abort has lost (G-6). */
    private void afterCommit(BlockRequest request, int errno) {
        request.complete(errno == Errno.OK && device.hasLostChanges() ? Errno.EIO : errno);
    }

    private static void afterDataFlush(BlockRequest flush, int errno) {
        BlockRequest request = (BlockRequest) flush.owner;
        flush.recycle();
        request.complete(errno);
    }

    @Override
    public String toString() {
        return "volume " + device.name();
    }
}

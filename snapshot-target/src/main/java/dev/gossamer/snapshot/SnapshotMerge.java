package dev.gossamer.snapshot;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import java.util.function.Consumer;

/**
 * The origin while a snapshot is merged into it: it has the snapshot's contents from the first moment (rule S-M5). When
 * the merge is done it is the plain origin.
 *
 * <p>Everything here runs on the request's loop, except {@link #admit}. Chunks that are not merged yet are served from
 * the store, others as by {@link SnapshotOrigin}. A write to chunks that are just being merged waits with the worker.
 */
public final class SnapshotMerge implements BlockDevice, ServedDevice {
    private final SnapshotWorker worker;
    private final MergeJob job;
    private final CowSnapshot snapshot;
    private final BlockDevice device;
    private final BlockDevice store;
    private final SnapshotOrigin origin;
    private final BlockGeometry storeGeometry;
    private final Consumer<BlockRequest> serve = this::serve;
    private final BlockCompletion afterStoreFlush = this::afterStoreFlush;

    SnapshotMerge(SnapshotWorker worker, MergeJob job, SnapshotOrigin origin) {
        this.worker = worker;
        this.job = job;
        this.snapshot = job.snapshot();
        this.device = worker.originDevice();
        this.store = snapshot.storeDevice();
        this.storeGeometry = store.geometry();
        this.origin = origin;
    }

    @Override
    public BlockGeometry geometry() {
        BlockGeometry below = device.geometry();
        return new BlockGeometry(
                below.sizeBytes(),
                Math.max(below.alignmentBytes(), storeGeometry.alignmentBytes()),
                below.readOnly(),
                below.discardBytes() == 0 ? snapshot.chunkBytes() : below.discardBytes());
    }

    @Override
    public void submit(BlockRequest request) {
        if (request.operation() == BlockOperation.FLUSH) {
            flush(request);
            return;
        }
        BlockGeometry geometry = geometry();
        int errno = RequestCheck.errno(geometry, request);
        if (errno == Errno.OK && request.hasFlag(BlockRequest.FAST_ZERO)) {
            errno = Errno.EOPNOTSUPP; // Part of it may have to be written to the store.
        }
        if (errno != Errno.OK || request.lengthBytes() == 0) {
            request.complete(errno);
        } else if (request.operation() == BlockOperation.DISCARD) {
            discard(request);
        } else {
            LongRequest.serve(request, snapshot.chunkBytes(), serve);
        }
    }

    /** While merging TRIM is accepted and does nothing (rule S-D4). */
    private void discard(BlockRequest request) {
        if (snapshot.state() == SnapshotState.MERGED && device.geometry().discardBytes() > 0) {
            origin.submit(request);
        } else {
            request.complete(Errno.OK);
        }
    }

    /** What was written may be in either device: the store first, then the origin. */
    private void flush(BlockRequest request) {
        if (snapshot.state() == SnapshotState.MERGED) {
            device.submit(request);
        } else {
            BlockRequest flush = request.loop().requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            flush.owner = request;
            flush.push(afterStoreFlush);
            worker.writes().enter(flush, 0);
            store.submit(flush);
        }
    }

    private void afterStoreFlush(BlockRequest flush, int errno) {
        BlockRequest request = (BlockRequest) flush.owner;
        flush.recycle();
        if (errno == Errno.OK) {
            device.submit(request);
        } else {
            request.complete(errno);
        }
    }

    @Override
    public void serve(BlockRequest request) {
        long from = request.offsetBytes();
        long to = from + request.lengthBytes();
        boolean read = request.operation() == BlockOperation.READ;
        // Before the table is looked at: a run leaves the table first and is let go then.
        if (!read && job.isBeingMerged(from, to)) {
            worker.defer(this, request);
            return;
        }
        ChunkRun run = worker.runs().of(request.loop());
        run.find(snapshot, from, to, true);
        if (run.endBytes == to) {
            serveRun(request, run);
            return;
        }
        request.beginSplit();
        long position = from;
        while (position < to) {
            run.find(snapshot, position, to, true);
            long end = run.endBytes;
            serveRun(request.child(position, end - position), run);
            position = end;
        }
        request.endSplit();
    }

    private void serveRun(BlockRequest piece, ChunkRun run) {
        boolean read = piece.operation() == BlockOperation.READ;
        if (run.isInStore()) {
            if (piece.operation() == BlockOperation.WRITE_ZEROES) {
                piece.setFlags(piece.flags() | BlockRequest.NO_UNMAP);
            }
            worker.writes().enter(piece, run.storeOffsetBytes);
            store.submit(piece);
        } else if (read) {
            device.submit(piece);
        } else {
            origin.serve(piece);
        }
    }

    @Override
    public void admit(BlockRequest request) {
        job.admit(request);
    }

    @Override
    public boolean isAbandoned() {
        return false;
    }

    /** Gives the handle back; the merge goes on. */
    @Override
    public void close() {
        origin.close();
    }

    @Override
    public String toString() {
        return "merge of " + snapshot;
    }
}

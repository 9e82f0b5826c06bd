package dev.gossamer.snapshot;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.order.OrderedWrites;
import dev.gossamer.io.order.WriteOrder;
import java.util.function.Consumer;

/**
 * The origin while a snapshot is merged into it: it has the snapshot's contents from the first moment (rule S-M5). When
 * the merge is done it is the plain origin.
 *
 * <p>Everything here runs on the request's loop, except {@link #admit}. Chunks that are not merged yet are served from
 * the store, others as by {@link SnapshotOrigin}. A write to chunks that are just being merged waits with the worker.
 */
public final class SnapshotMerge implements BlockDevice, ServedDevice {
    private final OriginLoops loops;
    private final MergeJob job;
    private final CowSnapshot snapshot;
    private final BlockDevice device;
    private final BlockDevice store;
    private final SnapshotOrigin origin;
    private final BlockGeometry storeGeometry;
    private final StoreRuns runs;
    private final OrderedWrites writes;
    private final Consumer<BlockRequest> serve = this::serve;
    private final BlockCompletion afterStoreFlush = this::afterStoreFlush;

    /**
     * Takes over a handle of the origin.
     *
     * @param device below {@code origin}
     * @param order of all writes to the origin
     */
    SnapshotMerge(OriginLoops loops, MergeJob job, BlockDevice device, WriteOrder order, SnapshotOrigin origin) {
        this.loops = loops;
        this.job = job;
        this.snapshot = job.snapshot();
        this.device = device;
        this.store = snapshot.storeDevice();
        this.storeGeometry = store.geometry();
        this.origin = origin;
        this.runs = new Runs(loops, snapshot);
        this.writes = new OrderedWrites(order, this::begin);
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
        } else if (request.operation() == BlockOperation.READ) {
            serve(request);
        } else {
            writes.submit(request);
        }
    }

    private void begin(BlockRequest write) {
        loops.longCommands().of(write.loop()).serve(write, snapshot.chunkBytes(), serve, this);
    }

    /** While merging TRIM is accepted and does nothing (rule S-D4). */
    private void discard(BlockRequest request) {
        if (snapshot.state() == SnapshotState.MERGED && device.geometry().discardBytes() > 0) {
            origin.start(request);
        } else {
            request.complete(Errno.OK);
        }
    }

    /** What was written may be in either device: the store first, then the origin. */
    private void flush(BlockRequest request) {
        if (snapshot.state() == SnapshotState.MERGED) {
            device.start(request);
        } else {
            BlockRequest flush = request.companion().command(BlockOperation.FLUSH, 0, 0, 0);
            flush.push(afterStoreFlush);
            loops.writes().enter(flush, 0);
            store.start(flush);
        }
    }

    private void afterStoreFlush(BlockRequest flush, int errno) {
        BlockRequest request = flush.companionOf();
        flush.recycle();
        if (errno == Errno.OK) {
            device.start(request);
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
            loops.queue().defer(this, request);
            return;
        }
        runs.serveWhole(request);
    }

    /**
     * The merged snapshot's chunks: those that are not in the store are in the origin, as on the first day or merged.
     */
    private final class Runs extends StoreRuns {
        Runs(OriginLoops loops, CowSnapshot snapshot) {
            super(loops, snapshot);
        }

        @Override
        boolean joinsMissing(BlockRequest request) {
            return true;
        }

        @Override
        void serveMissing(BlockRequest piece) {
            if (piece.operation() == BlockOperation.READ) {
                device.start(piece);
            } else {
                origin.serve(piece);
            }
        }
    }

    @Override
    public void admit(BlockRequest request) {
        job.admit(request);
    }

    @Override
    public void abandon() {
        writes.abandon();
        origin.abandon();
    }

    @Override
    public boolean isAbandoned() {
        return writes.isAbandoned();
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

package dev.gossamer.snapshot;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.order.OrderedWrites;
import dev.gossamer.snapshot.copy.RemapTable;
import java.util.function.Consumer;

/**
 * An open handle of a snapshot: the origin's contents at one moment, writable (rules S-S1 to S-S4). Overlapping writes
 * of all handles are carried out in the order of receipt (NBD T51a).
 *
 * <p>Everything here runs on the request's loop, except {@link #admit}. Chunks in the store are served from there at
 * once, others from the origin; a write to one of those goes to the worker.
 */
public final class Snapshot implements BlockDevice, ServedDevice {
    private final OriginLoops loops;
    private final CowSnapshot snapshot;
    private final BlockDevice origin;
    private final BlockDevice store;
    private final BlockGeometry geometry;
    private final int generation;
    private final StoreRuns runs;
    private final OrderedWrites writes;
    private final Consumer<BlockRequest> serve = this::serve;
    private final BlockCompletion afterTrackedRead = this::afterTrackedRead;
    private boolean closed;

    Snapshot(OriginLoops loops, BlockDevice origin, CowSnapshot snapshot) {
        this.loops = loops;
        this.snapshot = snapshot;
        this.origin = origin;
        this.store = snapshot.storeDevice();
        int alignment =
                Math.max(origin.geometry().alignmentBytes(), store.geometry().alignmentBytes());
        boolean discards = snapshot.spec().discards().zeroesCow();
        this.geometry = new BlockGeometry(
                snapshot.sizeBytes(), alignment, store.geometry().readOnly(), discards ? snapshot.chunkBytes() : 0);
        this.generation = snapshot.generation();
        this.runs = new Runs(loops, snapshot);
        this.writes = new OrderedWrites(snapshot.writeOrder(), this::begin);
    }

    @Override
    public BlockGeometry geometry() {
        return geometry;
    }

    @Override
    public void submit(BlockRequest request) {
        if (request.operation() == BlockOperation.FLUSH) {
            serve(request);
            return;
        }
        int errno = RequestCheck.errno(geometry, request);
        if (errno == Errno.OK && request.hasFlag(BlockRequest.FAST_ZERO)) {
            errno = Errno.EOPNOTSUPP; // Some of it may have to be copied first.
        }
        if (errno != Errno.OK || request.lengthBytes() == 0) {
            request.complete(errno);
        } else if (request.operation() == BlockOperation.READ) {
            serve(request);
        } else {
            writes.submit(request);
        }
    }

    private void begin(BlockRequest write) {
        loops.longCommands().of(write.loop()).serve(write, snapshot.chunkBytes(), serve, this);
    }

    @Override
    public void serve(BlockRequest request) {
        if (snapshot.generation() != generation) {
            request.complete(Errno.EIO); // Handed over to another snapshot (rule S-H1).
            return;
        }
        if (snapshot.suspension().isOn()) {
            loops.queue().defer(this, request);
            return;
        }
        BlockOperation operation = request.operation();
        SnapshotState state = snapshot.state();
        if (state == SnapshotState.INVALID
                || (state == SnapshotState.OVERFLOW && isChange(operation))
                || state.compareTo(SnapshotState.INVALID) > 0) {
            request.complete(Errno.EIO);
            return;
        }
        switch (operation) {
            case READ, WRITE, WRITE_ZEROES -> runs.serveWhole(request);
            case DISCARD -> discard(request);
            case FLUSH -> {
                loops.writes().enter(request, request.offsetBytes());
                store.start(request); // The origin has nothing of what was written here (rule S-S3).
            }
        }
    }

    private static boolean isChange(BlockOperation operation) {
        return operation != BlockOperation.READ && operation != BlockOperation.FLUSH;
    }

    /** The snapshot's chunks: those that are not in its store are the origin's. */
    private final class Runs extends StoreRuns {
        Runs(OriginLoops loops, CowSnapshot snapshot) {
            super(loops, snapshot);
        }

        @Override
        boolean joinsMissing(BlockRequest request) {
            return request.operation() == BlockOperation.READ;
        }

        @Override
        void serveMissing(BlockRequest piece) {
            if (piece.operation() == BlockOperation.READ) {
                piece.push(afterTrackedRead);
                loops.trackedReads().enter(piece, piece.offsetBytes());
                origin.start(piece);
            } else {
                loops.queue().defer(Snapshot.this, piece);
            }
        }
    }

    /** If the snapshot was lost on the way, writes to the origin no longer waited for this read. */
    private void afterTrackedRead(BlockRequest read, int errno) {
        read.complete(errno == Errno.OK && snapshot.state() == SnapshotState.INVALID ? Errno.EIO : errno);
    }

    /**
     * TRIM (rules S-D1 to S-D3): whole chunks in the store become zeros there; others are left as they are, without a
     * copy. If asked for, the range is trimmed on the origin too, past all snapshots.
     */
    private void discard(BlockRequest request) {
        long chunkBytes = snapshot.chunkBytes();
        long first = Math.ceilDiv(request.offsetBytes(), chunkBytes);
        long last = request.offsetBytes() + request.lengthBytes();
        long end = last == snapshot.sizeBytes() ? Math.ceilDiv(last, chunkBytes) : last / chunkBytes;
        request.beginSplit();
        for (long chunk = first; chunk < end; chunk++) {
            long newChunk = snapshot.table().get(chunk);
            if (newChunk != RemapTable.NONE) {
                zero(request, newChunk * chunkBytes, chunkBytes);
            }
        }
        if (snapshot.spec().discards().passdownOrigin()
                && first < end
                && origin.geometry().discardBytes() > 0) {
            long from = first * chunkBytes;
            BlockRequest down = request.child(from, Math.min(end * chunkBytes, last) - from);
            loops.trackedReads().enter(down, from);
            origin.start(down);
        }
        request.endSplit();
    }

    private void zero(BlockRequest request, long storeOffsetBytes, long lengthBytes) {
        BlockRequest zeroing = request.loop()
                .requests()
                .acquire()
                .command(BlockOperation.WRITE_ZEROES, storeOffsetBytes, lengthBytes, BlockRequest.NO_UNMAP);
        request.addPart();
        zeroing.push((done, errno) -> {
            done.recycle();
            request.partDone(errno);
        });
        loops.writes().enter(zeroing, storeOffsetBytes);
        store.start(zeroing);
    }

    @Override
    public void admit(BlockRequest request) {
        if (snapshot.suspension().isOn()) {
            snapshot.suspension().park(request);
        } else if (request.operation() == BlockOperation.WRITE || request.operation() == BlockOperation.WRITE_ZEROES) {
            // Whatever was suspended as a whole is cut into chunks first.
            long shift = snapshot.chunkShift();
            boolean oneChunk =
                    request.offsetBytes() >> shift == (request.offsetBytes() + request.lengthBytes() - 1) >> shift;
            if (oneChunk) {
                snapshot.write(request);
            } else {
                loops.queue().handBack(request, ServedDevice.SERVE_AGAIN);
            }
        } else {
            loops.queue().handBack(request, ServedDevice.SERVE_AGAIN);
        }
    }

    @Override
    public void abandon() {
        writes.abandon();
        Wakeup.call(loops.worker(), snapshot, its -> its::endAbandoned); // as of the origin
    }

    @Override
    public boolean isAbandoned() {
        return writes.isAbandoned();
    }

    /** Gives the handle back; the snapshot lives on. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            snapshot.door().leave();
        }
    }

    @Override
    public String toString() {
        return snapshot.toString();
    }
}

package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import java.util.function.Consumer;

/**
 * The origin as its users must see it: a write waits until every snapshot has the old contents (section 2.2). Reads
 * pass through.
 *
 * <p>Everything here runs on the request's loop, except {@link #admit}. A write to chunks that all snapshots have goes
 * to the device at once.
 */
public final class SnapshotOrigin implements BlockDevice, ServedDevice {
    private final SnapshotWorker worker;
    private final BlockDevice device;
    private final Runnable whenClosed;
    private final Consumer<BlockRequest> serve = this::serve;
    private boolean closed;

    SnapshotOrigin(SnapshotWorker worker, Runnable whenClosed) {
        this.worker = worker;
        this.device = worker.originDevice();
        this.whenClosed = whenClosed;
    }

    @Override
    public BlockGeometry geometry() {
        return device.geometry();
    }

    @Override
    public long sizeBytes() {
        return device.sizeBytes();
    }

    @Override
    public void submit(BlockRequest request) {
        BlockOperation operation = request.operation();
        if (operation == BlockOperation.READ || operation == BlockOperation.FLUSH) {
            device.submit(request);
            return;
        }
        BlockGeometry geometry = device.geometry();
        int errno = RequestCheck.errno(geometry, request);
        if (errno != Errno.OK || request.lengthBytes() == 0) {
            request.complete(errno);
        } else {
            LongRequest.serve(request, geometry.discardBytes(), serve);
        }
    }

    /** A write, zeroing or TRIM: all of them destroy old contents (rule S-O5). */
    @Override
    public void serve(BlockRequest request) {
        if (worker.isCovered(request.offsetBytes(), request.offsetBytes() + request.lengthBytes())) {
            worker.writes().enter(request, request.offsetBytes());
            device.submit(request);
        } else {
            worker.defer(this, request);
        }
    }

    @Override
    public void admit(BlockRequest request) {
        long from = request.offsetBytes();
        worker.cover(
                from,
                from + request.lengthBytes(),
                new HeldRequest(
                        errno -> worker.handBack(request, errno == Errno.OK ? ServedDevice.SERVE_AGAIN : errno)));
    }

    @Override
    public boolean isAbandoned() {
        return false;
    }

    /** Gives the handle back; the origin's device stays open. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            whenClosed.run();
        }
    }

    @Override
    public String toString() {
        return "origin " + device;
    }
}

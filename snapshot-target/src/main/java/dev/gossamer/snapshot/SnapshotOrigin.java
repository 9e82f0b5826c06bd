package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.order.OrderedWrites;
import dev.gossamer.io.order.WriteOrder;
import dev.gossamer.snapshot.copy.HeldRequest;
import java.util.function.Consumer;

/**
 * The origin as its users must see it: a write waits until every snapshot has the old contents (rules S-O1 to S-O5),
 * and for older writes that it overlaps (NBD T51a). Reads pass through.
 *
 * <p>Everything here runs on the request's loop, except {@link #admit}. A write to chunks that all snapshots have goes
 * to the device at once.
 */
public final class SnapshotOrigin implements BlockDevice, ServedDevice {
    private final OriginLoops loops;
    private final AttachedSnapshots snapshots;
    private final BlockDevice device;
    private final OrderedWrites writes;
    private final Runnable whenClosed;
    private final Consumer<BlockRequest> serve = this::serve;
    private boolean closed;

    /** @param order of all writes to the origin */
    SnapshotOrigin(
            OriginLoops loops, AttachedSnapshots snapshots, BlockDevice device, WriteOrder order, Runnable whenClosed) {
        this.loops = loops;
        this.snapshots = snapshots;
        this.device = device;
        this.writes = new OrderedWrites(order, this::begin);
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
            device.start(request);
            return;
        }
        int errno = RequestCheck.errno(device.geometry(), request);
        if (errno != Errno.OK || request.lengthBytes() == 0) {
            request.complete(errno);
        } else {
            writes.submit(request);
        }
    }

    private void begin(BlockRequest write) {
        loops.longCommands().of(write.loop()).serve(write, device.geometry().discardBytes(), serve, this);
    }

    /** A write, zeroing or TRIM: all of them destroy old contents (rule S-O5). */
    @Override
    public void serve(BlockRequest request) {
        if (snapshots.isCovered(request.offsetBytes(), request.offsetBytes() + request.lengthBytes())) {
            loops.writes().enter(request, request.offsetBytes());
            device.start(request);
        } else {
            loops.queue().defer(this, request);
        }
    }

    @Override
    public void admit(BlockRequest request) {
        long from = request.offsetBytes();
        snapshots.cover(from, from + request.lengthBytes(), HeldRequest.of(request, loops.queue()));
    }

    @Override
    public void abandon() {
        writes.abandon();
        // Whatever memory there is: what waits would wait for ever, and so would the connection's end.
        Wakeup.call(loops.worker(), snapshots, all -> all::endAbandoned);
    }

    @Override
    public boolean isAbandoned() {
        return writes.isAbandoned();
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

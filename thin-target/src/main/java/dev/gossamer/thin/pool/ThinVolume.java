package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.io.worker.PerLoop;
import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusQuery;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.device.OriginImage;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.map.MapLookup;
import dev.gossamer.thin.map.MapPrefetch;
import dev.gossamer.thin.space.SpaceWaiters;
import dev.gossamer.thin.status.StatusReader;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * An open handle of a volume: the block device that is exported. Serves any range, aligned or not.
 *
 * <p>Checks a request and puts overlapping writes in order; {@link VolumeRequests} serves it, {@link VolumeFlushes}
 * makes it stable. Everything here runs on the request's loop, unless it says otherwise.
 */
public final class ThinVolume implements BlockDevice {
    /** What may be written with zeros by a request that must be fast, however short it is. */
    private static final long FAST_ZERO_EDGE_BYTES = 64 << 10;

    private final ThinDevice device;
    private final PoolState state;
    private final DiscardMode discardMode;
    private final PerLoop<MapLookup> lookups;
    private final VolumeRequests requests;
    private final VolumeFlushes flushes;
    private final UnalignedReads unalignedReads;
    private final int readAlignmentBytes;
    private final MapPrefetch mapPrefetch;
    private final StatusReader statusReader;
    private final SpaceWaiters spaceWaiters;
    private boolean closed;

    ThinVolume(ThinDevice device, BlockDevice data, List<? extends IoLoop> ioLoops, PoolParts pool) {
        this.device = device;
        this.state = pool.state;
        this.discardMode = pool.discardMode;
        this.lookups = pool.lookups;
        this.requests = new VolumeRequests(
                device,
                data,
                device.writeOrder(ioLoops),
                pool.lookups,
                pool.longCommands,
                pool.inFlight,
                pool.worker,
                pool.spaceWaiters);
        this.flushes = new VolumeFlushes(device, data, pool.committer);
        OriginImage origin = device.externalOrigin();
        int dataAlignmentBytes = data.geometry().alignmentBytes();
        this.readAlignmentBytes =
                origin == null ? dataAlignmentBytes : Math.max(dataAlignmentBytes, origin.alignmentBytes());
        this.unalignedReads = new UnalignedReads(requests, pool.bounceBuffers, readAlignmentBytes);
        this.mapPrefetch = pool.mapPrefetch;
        this.statusReader = pool.statusReader;
        this.spaceWaiters = pool.spaceWaiters;
    }

    /** Any thread. */
    @Override
    public BlockGeometry geometry() {
        boolean readOnly = device.isReadOnly() || state.mode().isFinal();
        return new BlockGeometry(device.sizeBytes(), 1, readOnly, ignoresDiscard() ? 0 : device.blockBytes());
    }

    private boolean ignoresDiscard() {
        return discardMode == DiscardMode.IGNORE;
    }

    /** Any thread. */
    @Override
    public long sizeBytes() {
        return device.sizeBytes();
    }

    /** The volume's facts now. Any thread. */
    public VolumeInfo info() {
        return device.info();
    }

    /** The volume's name now. Any thread. */
    public String name() {
        return device.name();
    }

    /**
     * Divides a range, which is not empty, into data and holes. A hole is zero at this moment; what is data may be zero
     * too. For a loop of the pool; asks nobody and allocates nothing.
     */
    public void layout(IoLoop loop, long offsetBytes, long lengthBytes, ReadLayout layout) {
        MapLookup run = lookups.of(loop);
        long end = offsetBytes + lengthBytes;
        layout.begin(offsetBytes);
        for (long position = offsetBytes; position < end; position = run.endBytes()) {
            run.find(device, position, end, 0, false);
            layout.add(
                    run.endBytes(),
                    run.action() == MapLookup.Action.UNMAPPED && !device.isOverExternalOrigin(position));
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
            flushes.stabilize(request);
            return;
        }
        long offset = request.offsetBytes();
        long length = request.lengthBytes();
        if (offset < 0 || length < 0 || length > device.sizeBytes() - offset) {
            request.complete(Errno.EINVAL);
        } else if (operation != BlockOperation.READ) {
            submitChange(request);
        } else if (!request.isAligned(readAlignmentBytes)) {
            unalignedReads.read(request);
        } else if (length == 0) {
            request.complete(Errno.OK);
        } else {
            requests.serveChecked(request);
        }
    }

    /** A WRITE, WRITE_ZEROES or TRIM inside the volume. */
    private void submitChange(BlockRequest request) {
        BlockOperation operation = request.operation();
        if (device.isReadOnly()) {
            request.complete(Errno.EROFS);
            return;
        }
        if (operation == BlockOperation.DISCARD && ignoresDiscard()) {
            request.complete(Errno.EOPNOTSUPP);
            return;
        }
        if (request.hasFlag(BlockRequest.FUA)) {
            flushes.stabilizeWhenDone(request);
        }
        if (operation == BlockOperation.WRITE_ZEROES && device.isOverExternalOrigin(request.offsetBytes())) {
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
        if (request.lengthBytes() == 0) {
            request.complete(Errno.OK);
        } else {
            requests.serveInOrder(request);
        }
    }

    /** Whether zeroing is little more than unmapping: few bytes lie outside whole blocks (NBD T32). */
    private boolean isFastToZero(BlockRequest request) {
        long wholeBlocks = Math.max(0, device.endWholeBlock(request) - device.firstWholeBlock(request));
        long written = request.lengthBytes() - wholeBlocks * device.blockBytes();
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
     * From now on a write of this handle that finds no space gets ENOSPC at once, whatever the volume's policy is: for
     * whoever waits by rules of his own (S-V7). Any thread.
     */
    public void neverWaitForSpace() {
        requests.neverWaitForSpace();
    }

    /**
     * Whoever used this handle is gone: requests that wait for space end, without effect (N-5). The others complete as
     * usual; close the handle when all have. Any thread.
     */
    @Override
    public void abandon() {
        requests.abandon();
        spaceWaiters.abandonSoon(requests);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.close();
        }
    }

    /** What may be done with the volume in a second, by all handles; whoever submits asks there. Any thread. */
    public RateGate rates() {
        return device.rateGate();
    }

    /** The volume's state; for tests of what it publishes. */
    ThinDevice device() {
        return device;
    }

    @Override
    public String toString() {
        return "volume " + device.name();
    }
}

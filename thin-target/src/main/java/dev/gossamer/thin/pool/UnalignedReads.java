package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.worker.PerLoop;
import java.util.function.Consumer;

/**
 * Serves an unaligned READ: reads the sectors around it into other memory, a slice at a time, and copies its part (NBD
 * T48). That memory is the loop's share of this pool's: waiting for it while holding a buffer cannot end in a deadlock,
 * because whoever has it waits for the disk only. On the request's loop.
 */
final class UnalignedReads {
    /** Of each loop: eight slices under way at a time; unaligned reads are rare and may wait for each other. */
    static final int BOUNCE_BYTES = 1 << 20;

    /** A slice is at most this, and the rest of a sector. */
    private static final int SLICE_BYTES = 128 << 10;

    private final PerLoop<IoBufferPool> bounceBuffers;
    private final int alignmentBytes;
    private final BlockCompletion afterSlice = this::afterSlice;
    private final Consumer<BlockRequest> serve;

    /**
     * @param bounceBuffers {@link #BOUNCE_BYTES} for each loop
     * @param alignmentBytes what reads of the volume's parts must be multiples of
     */
    UnalignedReads(VolumeRequests requests, PerLoop<IoBufferPool> bounceBuffers, int alignmentBytes) {
        this.serve = requests::serveChecked;
        this.bounceBuffers = bounceBuffers;
        this.alignmentBytes = alignmentBytes;
    }

    /** Serves a READ inside the volume. */
    void read(BlockRequest request) {
        readFrom(request, request.offsetBytes());
    }

    /** What that throws ends the READ, whoever has come here: a completion, or memory that was released. */
    private void readFrom(BlockRequest request, long from) {
        int seen = request.takings();
        try {
            readSlice(request, from);
        } catch (Throwable fault) {
            request.loop().faults().caught(fault);
            request.endUnlessTaken(seen);
        }
    }

    private void readSlice(BlockRequest request, long from) {
        long end = request.offsetBytes() + request.lengthBytes();
        if (from == end) {
            request.complete(Errno.OK);
            return;
        }
        long alignedFrom = from & -(long) alignmentBytes;
        long to = Math.min(end, alignedFrom + SLICE_BYTES);
        long alignedTo = (to + alignmentBytes - 1) & -(long) alignmentBytes;
        IoBufferPool bounce = bounceBuffers.of(request.loop());
        IoBuffer covering = bounce.tryAcquire((int) (alignedTo - alignedFrom));
        if (covering == null) {
            bounce.whenReleased(() -> readFrom(request, from));
            return;
        }
        BlockRequest read;
        try {
            read = request.companion();
        } catch (RuntimeException | Error noMemory) {
            covering.release();
            throw noMemory;
        }
        read.transfer(BlockOperation.READ, alignedFrom, (int) (alignedTo - alignedFrom), 0, covering, 0);
        read.push(afterSlice);
        read.guard(serve);
    }

    private void afterSlice(BlockRequest read, int errno) {
        BlockRequest request = read.companionOf();
        IoBuffer covering = read.buffer();
        // The slice before ended at a sector's border, where this one began.
        long from = Math.max(request.offsetBytes(), read.offsetBytes());
        long to = Math.min(request.offsetBytes() + request.lengthBytes(), read.offsetBytes() + SLICE_BYTES);
        int result = errno;
        try {
            if (errno == Errno.OK) {
                request.buffer()
                        .copyFrom(
                                request.bufferOffsetBytes() + (int) (from - request.offsetBytes()),
                                covering,
                                (int) (from - read.offsetBytes()),
                                (int) (to - from));
            }
        } catch (Throwable fault) {
            request.loop().faults().caught(fault);
            result = Errno.EIO;
        }
        read.recycle();
        covering.release();
        if (result == Errno.OK) {
            readFrom(request, to);
        } else {
            request.complete(result);
        }
    }
}

package dev.gossamer.thin.cell;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.thin.device.OriginImage;

/**
 * Transfers of a pool's worker to and from data blocks, for what its cells and jobs do. Worker's thread.
 *
 * <p>It counts what is under way: a job that has met a bug in the middle of a step may never let go of the blocks that
 * it holds, and when the pool is closed it is the transfers that must have ended, whoever has begun them.
 */
public final class CellIo {
    private final IoLoop loop;
    private final BlockDevice data;
    private final int blockBytes;
    private final int alignmentBytes;
    private final BlockCompletion counted = this::counted;
    private int underWay;
    // Set when the pool is being closed: run once nothing is under way.
    private Runnable whenClosed;
    private boolean closed;

    public CellIo(IoLoop loop, BlockDevice data, int blockBytes) {
        this.loop = loop;
        this.data = data;
        this.blockBytes = blockBytes;
        this.alignmentBytes = data.geometry().alignmentBytes();
    }

    /** Memory of the worker; whoever has some waits for a disk only, so waiting for it ends. */
    public IoBufferPool buffers() {
        return loop.buffers();
    }

    /** What transfers to the data device must be multiples of. */
    public int alignmentBytes() {
        return alignmentBytes;
    }

    /** Whether the data device takes a request as it is. */
    boolean isAligned(BlockRequest request) {
        return request.isAligned(alignmentBytes);
    }

    /**
     * Whether a free data block is known to hold zeros: a hole of a file, so what was never written or has been
     * discarded.
     */
    boolean isZeroed(long dataBlock) {
        return data.readsAsZeros(dataBlock * blockBytes, blockBytes);
    }

    /** Reads from a place in a data block, or writes there. */
    public void submit(
            BlockOperation operation,
            long dataBlock,
            int offsetInBlock,
            int lengthBytes,
            IoBuffer buffer,
            int bufferOffsetBytes,
            BlockCompletion completion) {
        BlockRequest request = loop.requests().acquire();
        long offset = dataBlock * blockBytes + offsetInBlock;
        request.transfer(operation, offset, lengthBytes, 0, buffer, bufferOffsetBytes);
        request.push(completion);
        if (begin(request)) {
            data.start(request);
        }
    }

    /** Reads of an external origin, zeros beyond its end. */
    public void readOrigin(
            OriginImage origin, long offsetBytes, int lengthBytes, IoBuffer buffer, BlockCompletion completion) {
        BlockRequest request = loop.requests().acquire();
        request.transfer(BlockOperation.READ, offsetBytes, lengthBytes, 0, buffer, 0);
        request.push(completion);
        if (begin(request)) {
            origin.read(request);
        }
    }

    /** Nothing begins any more: what is asked for fails. Calls back, perhaps at once, when nothing is under way. */
    public void close(Runnable task) {
        closed = true;
        whenClosed = task;
        lookClosed();
    }

    private boolean begin(BlockRequest request) {
        if (closed) {
            request.complete(Errno.ESHUTDOWN);
            return false;
        }
        request.push(counted);
        underWay++;
        return true;
    }

    private void counted(BlockRequest request, int errno) {
        underWay--;
        request.complete(errno);
        lookClosed();
    }

    private void lookClosed() {
        if (underWay == 0 && whenClosed != null) {
            Runnable task = whenClosed;
            whenClosed = null;
            task.run();
        }
    }
}

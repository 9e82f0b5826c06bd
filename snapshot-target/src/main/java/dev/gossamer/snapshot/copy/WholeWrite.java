package dev.gossamer.snapshot.copy;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.worker.Kept;
import dev.gossamer.io.worker.WorkerIo;
import dev.gossamer.io.worker.WorkerQueue;

/**
 * A write to a snapshot that replaces all of a chunk, goes straight to the store and is answered when the chunk is
 * recorded. If a bug stops the worker, it ends with EIO; but never while the store's device has its memory. Worker's
 * thread.
 */
public final class WholeWrite {
    private final BlockRequest request;
    private final WorkerQueue queue;
    private final Kept kept = this::bug;
    private boolean underWay = true;
    private boolean stopped;
    private boolean answered;

    /** A parked request, which is this object's to answer from now on; its transfer begins. */
    public WholeWrite(BlockRequest request, WorkerQueue queue) {
        this.request = request;
        this.queue = queue;
        queue.keep(kept);
        request.taken();
    }

    /** Writes it, without FAST_ZERO, which a copy cannot promise; {@code done} is told as of any transfer. */
    public void start(WorkerIo io, BlockDevice store, long storeOffsetBytes, WorkerIo.Done done) {
        int flags = request.flags() & ~BlockRequest.FAST_ZERO;
        long length = request.lengthBytes();
        try {
            WorkerIo.Done whenDone = errno -> {
                returned();
                done.done(errno);
            };
            if (request.operation() == BlockOperation.WRITE) {
                IoBuffer from = request.buffer();
                io.write(store, storeOffsetBytes, (int) length, flags, from, request.bufferOffsetBytes(), whenDone);
            } else {
                int zeroing = flags | BlockRequest.NO_UNMAP;
                io.command(store, request.operation(), storeOffsetBytes, length, zeroing, whenDone);
            }
        } catch (RuntimeException | Error bug) {
            returned(); // A device does not throw: it has not got the memory.
            throw bug;
        }
    }

    private void returned() {
        underWay = false;
        if (stopped) {
            answer(Errno.EIO);
        }
    }

    private void bug() {
        stopped = true;
        if (!underWay) {
            answer(Errno.EIO);
        }
    }

    /** Answers it, unless that is done: with an errno, or to be served again. */
    public void answer(int verdict) {
        if (!answered) {
            answered = true;
            queue.forget(kept);
            queue.handBack(request, verdict);
        }
    }
}

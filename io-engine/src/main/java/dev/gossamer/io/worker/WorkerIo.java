package dev.gossamer.io.worker;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import java.util.function.Consumer;

/** Requests of a worker's own: on its loop, answered there, nobody waits. A request costs no object. */
public final class WorkerIo {
    /** Largest transfer of the worker: copies, merges and tables move in pieces of at most this. */
    public static final int PIECE_BYTES = 1 << 20;

    /** Told the outcome: 0, or a value of {@link dev.gossamer.io.Errno}. */
    @FunctionalInterface
    public interface Done {
        void done(int errno);
    }

    /**
     * Gets memory of the worker, which the callee releases when what it begins with it, as its last act, has ended. If
     * it throws before that, the memory goes back by itself.
     */
    @FunctionalInterface
    public interface Work {
        void with(IoBuffer buffer);
    }

    /** Without memory for the bookkeeping of a buffer, it is tried again after this time. */
    private static final long RETRY_NANOS = 10_000_000;

    private final IoLoop loop;
    private final Consumer<Throwable> bugs;
    private final BlockCompletion answered = this::answered;

    /**
     * Transfers of one worker.
     *
     * @param bugs told what goes on after a transfer throws: whoever waits for that waits for ever, unless somebody
     *     ends it
     */
    public WorkerIo(IoLoop loop, Consumer<Throwable> bugs) {
        this.loop = loop;
        this.bugs = bugs;
    }

    /**
     * Finds memory for a piece of work, now or when some is released. Whoever has memory waits for a disk only, so the
     * wait ends.
     */
    public void withBuffer(int lengthBytes, Work work) {
        IoBuffer buffer;
        try {
            buffer = loop.buffers().tryAcquire(lengthBytes);
            if (buffer == null) {
                loop.buffers().whenReleased(() -> guarded(() -> withBuffer(lengthBytes, work)));
                return;
            }
        } catch (RuntimeException | Error fault) {
            loop.faults().caught(fault);
            loop.schedule(() -> guarded(() -> withBuffer(lengthBytes, work)), RETRY_NANOS);
            return;
        }
        try {
            work.with(buffer);
        } catch (RuntimeException | Error fault) {
            buffer.release();
            throw fault;
        }
    }

    public void read(BlockDevice device, long offsetBytes, int lengthBytes, IoBuffer buffer, int at, Done done) {
        BlockRequest request = acquire(done);
        if (request != null) {
            submit(device, request.transfer(BlockOperation.READ, offsetBytes, lengthBytes, 0, buffer, at), done);
        }
    }

    /** What cannot be begun has failed, as if the device had said so: null then, and it has been told. */
    private BlockRequest acquire(Done done) {
        try {
            return loop.requests().acquire();
        } catch (RuntimeException | Error fault) {
            loop.faults().caught(fault);
            tell(done, Errno.EIO);
            return null;
        }
    }

    /**
     * Writes.
     *
     * @param flags {@link BlockRequest#FUA} or 0
     */
    public void write(
            BlockDevice device, long offsetBytes, int lengthBytes, int flags, IoBuffer buffer, int at, Done done) {
        BlockRequest request = acquire(done);
        if (request != null) {
            submit(device, request.transfer(BlockOperation.WRITE, offsetBytes, lengthBytes, flags, buffer, at), done);
        }
    }

    /** A request without data: FLUSH, DISCARD, WRITE_ZEROES. */
    public void command(
            BlockDevice device, BlockOperation operation, long offsetBytes, long lengthBytes, int flags, Done done) {
        BlockRequest request = acquire(done);
        if (request != null) {
            submit(device, request.command(operation, offsetBytes, lengthBytes, flags), done);
        }
    }

    public void flush(BlockDevice device, Done done) {
        command(device, BlockOperation.FLUSH, 0, 0, 0, done);
    }

    private void submit(BlockDevice device, BlockRequest request, Done done) {
        request.note(done);
        request.push(answered);
        device.start(request);
    }

    private void answered(BlockRequest request, int errno) {
        Done done = request.note(Done.class);
        request.recycle();
        tell(done, errno);
    }

    private void tell(Done done, int errno) {
        try {
            done.done(errno);
        } catch (RuntimeException | Error bug) {
            failed(bug);
        }
    }

    private void guarded(Runnable goesOn) {
        try {
            goesOn.run();
        } catch (RuntimeException | Error bug) {
            failed(bug);
        }
    }

    private void failed(Throwable bug) {
        loop.faults().caught(bug);
        bugs.accept(bug);
    }
}

package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Something with a worker, all of it on the test's thread, interleaved by one seed: I/O loops 0 to n-1 and the worker
 * on loop n. Requests are started on a loop and finished by running all of them; none may be lost, end twice or end on
 * another loop.
 */
public abstract class SimHarness implements AutoCloseable {
    /** Of each loop, unless a test needs more. */
    protected static final int BUFFER_BYTES = 1 << 23;

    public final SimLoops loops;
    private boolean closed;

    protected SimHarness(long seed, int ioLoops, int bufferBytesPerLoop) {
        loops = new SimLoops(seed, ioLoops + 1, bufferBytesPerLoop);
    }

    protected final IoLoop worker() {
        return loops.loop(loops.count() - 1);
    }

    protected final List<IoLoop> ioLoops() {
        List<IoLoop> all = new ArrayList<>();
        for (int i = 0; i < loops.count() - 1; i++) {
            all.add(loops.loop(i));
        }
        return all;
    }

    /** A request under way, and what became of it. */
    public static final class Result {
        /** -1 while it is under way. */
        public int errno = -1;

        /** What a READ has found. */
        public byte[] data;

        public boolean isDone() {
            return errno >= 0;
        }
    }

    /** Submits a request on an I/O loop without waiting; {@code data} is what a WRITE writes. */
    public final Result start(
            int loop, BlockDevice device, BlockOperation operation, long offset, long length, int flags, byte[] data) {
        Result result = new Result();
        loops.enter(loop, () -> {
            BlockRequest request = loops.loop(loop).requests().acquire();
            IoBuffer buffer;
            if (operation == BlockOperation.READ || operation == BlockOperation.WRITE) {
                buffer = loops.loop(loop).buffers().acquire((int) Math.max(1, length));
                if (data != null) {
                    buffer.bytes().put(0, data);
                }
                request.transfer(operation, offset, (int) length, flags, buffer, 0);
            } else {
                buffer = null;
                request.command(operation, offset, length, flags);
            }
            request.push((done, errno) -> {
                assertEquals(-1, result.errno, "completed twice");
                assertTrue(loops.loop(loop).inLoop(), "completed on another loop");
                if (operation == BlockOperation.READ) {
                    result.data = new byte[(int) length];
                    buffer.bytes().get(0, result.data);
                }
                result.errno = errno;
                if (buffer != null) {
                    buffer.release();
                }
                done.recycle();
            });
            device.start(request);
        });
        return result;
    }

    /** Runs everything; the request is done then. */
    public final Result finish(Result result) {
        loops.runUntilIdle();
        assertTrue(result.isDone(), "a request hangs");
        return result;
    }

    /** Writes on the first loop. @return an errno */
    public final int write(BlockDevice device, long offset, byte[] data) {
        return finish(start(0, device, BlockOperation.WRITE, offset, data.length, 0, data)).errno;
    }

    /** Reads on the first loop, expecting success. */
    public final byte[] read(BlockDevice device, long offset, int length) {
        Result result = finish(start(0, device, BlockOperation.READ, offset, length, 0, null));
        assertEquals(Errno.OK, result.errno, () -> "read of " + device + " at " + offset);
        return result.data;
    }

    /** FLUSH on the first loop. @return an errno */
    public final int flush(BlockDevice device) {
        return finish(start(0, device, BlockOperation.FLUSH, 0, 0, 0, null)).errno;
    }

    /** Runs everything; the operation is done then. */
    protected final <T> CompletableFuture<T> completed(CompletableFuture<T> answer) {
        loops.runUntilIdle();
        assertTrue(answer.isDone(), "an operation hangs");
        return answer;
    }

    /** Requests and buffers in use on all loops: 0 when nothing is under way. */
    public final long inUse() {
        long[] sum = {0};
        for (int i = 0; i < loops.count(); i++) {
            int loop = i;
            loops.enter(
                    i,
                    () -> sum[0] += loops.loop(loop).requests().inUse()
                            + loops.loop(loop).buffers().usedBytes());
        }
        return sum[0];
    }

    public final boolean isClosed() {
        return closed;
    }

    /** Drops everything as a crash does. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            loops.close();
        }
    }
}

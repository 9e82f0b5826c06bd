package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.sim.SimLoops;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * An origin and its snapshots on devices of the test's choice, all of it on the test's thread, interleaved by one seed:
 * I/O loops 0 to n-1 and the worker on loop n.
 */
final class SimSet implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 23;

    final SimLoops loops;
    final SnapshotSet set;
    private boolean closed;

    SimSet(BlockDevice origin, long seed, int ioLoops) {
        loops = new SimLoops(seed, ioLoops + 1, BUFFER_BYTES);
        List<IoLoop> io = new ArrayList<>();
        for (int i = 0; i < ioLoops; i++) {
            io.add(loops.loop(i));
        }
        set = SnapshotSet.over(origin, loops.loop(ioLoops), io);
    }

    /** A request under way, and what became of it. */
    static final class Result {
        int errno = -1;
        byte[] data;

        boolean isDone() {
            return errno >= 0;
        }
    }

    /** Submits a request on an I/O loop without waiting; {@code data} is what a WRITE writes. */
    Result start(
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
                if (buffer != null) {
                    buffer.release();
                }
                done.recycle();
                result.errno = errno;
            });
            device.submit(request);
        });
        return result;
    }

    Result startWrite(int loop, BlockDevice device, long offset, byte[] data) {
        return start(loop, device, BlockOperation.WRITE, offset, data.length, 0, data);
    }

    int write(BlockDevice device, long offset, byte[] data) {
        return finish(startWrite(0, device, offset, data)).errno;
    }

    byte[] read(BlockDevice device, long offset, int length) {
        Result result = finish(start(0, device, BlockOperation.READ, offset, length, 0, null));
        assertEquals(Errno.OK, result.errno, () -> "read of " + device + " at " + offset);
        return result.data;
    }

    int readErrno(BlockDevice device) {
        return finish(start(0, device, BlockOperation.READ, 0, 4096, 0, null)).errno;
    }

    int command(BlockDevice device, BlockOperation operation, long offset, long length) {
        return finish(start(0, device, operation, offset, length, 0, null)).errno;
    }

    int flush(BlockDevice device) {
        return command(device, BlockOperation.FLUSH, 0, 0);
    }

    Result finish(Result result) {
        loops.runUntilIdle();
        assertTrue(result.isDone(), "a request hangs");
        return result;
    }

    <T> T await(CompletableFuture<T> answer) throws StorageException {
        loops.runUntilIdle();
        assertTrue(answer.isDone(), "an operation hangs");
        return SnapshotSet.join(answer);
    }

    /** The message of a refusal. */
    String refused(CompletableFuture<?> answer) {
        return assertThrows(StorageException.class, () -> await(answer)).getMessage();
    }

    SnapshotStatus create(SnapshotSpec spec, BlockDevice store) throws StorageException {
        return await(set.create(spec, store));
    }

    Snapshot createAndOpen(SnapshotSpec spec, BlockDevice store) throws StorageException {
        create(spec, store);
        return set.openSnapshot(spec.name());
    }

    SnapshotStatus status(String name) throws StorageException {
        return await(set.status(name));
    }

    /** Requests and buffers in use on all loops: 0 when nothing is under way. */
    long inUse() {
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

    /** Closes the set in good order; checks that nothing was left behind. */
    void shutDown() throws StorageException {
        await(set.close());
        assertEquals(0, inUse(), "requests or buffers leaked");
        close();
    }

    boolean isClosed() {
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

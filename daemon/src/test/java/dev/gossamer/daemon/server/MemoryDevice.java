package dev.gossamer.daemon.server;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Bytes in memory, any alignment; on demand it holds requests back until the test lets them go, in any order. */
final class MemoryDevice implements BlockDevice {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final byte[] bytes;
    private final List<BlockRequest> held = new ArrayList<>();
    private boolean holding;
    private long delayNanos;
    private int submitted;
    private int closed;
    private int errno = Errno.OK;

    MemoryDevice(int sizeBytes) {
        bytes = new byte[sizeBytes];
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(bytes.length, 1, false, 1);
    }

    @Override
    public void submit(BlockRequest request) {
        synchronized (this) {
            submitted++;
            notifyAll();
            if (holding) {
                held.add(request);
                return;
            }
        }
        if (delayNanos > 0) {
            request.loop().schedule(() -> request.complete(serve(request)), delayNanos);
        } else {
            request.complete(serve(request));
        }
    }

    private synchronized int serve(BlockRequest request) {
        if (errno != Errno.OK) {
            return errno;
        }
        int offset = (int) request.offsetBytes();
        int length = (int) request.lengthBytes();
        switch (request.operation()) {
            case READ -> request.buffer().bytes().put(request.bufferOffsetBytes(), bytes, offset, length);
            case WRITE -> request.buffer().bytes().get(request.bufferOffsetBytes(), bytes, offset, length);
            case DISCARD, WRITE_ZEROES -> java.util.Arrays.fill(bytes, offset, offset + length, (byte) 0);
            case FLUSH -> {}
        }
        return Errno.OK;
    }

    /** From now on requests wait. */
    synchronized void hold() {
        holding = true;
    }

    /** From now on requests take so long. Set before there are any. */
    void answerAfter(long nanos) {
        delayNanos = nanos;
    }

    /** Every request fails like this. */
    synchronized void failWith(int newErrno) {
        errno = newErrno;
    }

    /** Lets the request at a position of the waiting line go. */
    void release(int position) {
        BlockRequest request;
        synchronized (this) {
            request = held.remove(position);
        }
        request.loop().execute(() -> request.complete(serve(request)));
    }

    /** Lets all go and holds none back any more. */
    void releaseAll() {
        List<BlockRequest> all;
        synchronized (this) {
            holding = false;
            all = List.copyOf(held);
            held.clear();
        }
        all.forEach(request -> request.loop().execute(() -> request.complete(serve(request))));
    }

    synchronized int held() {
        return held.size();
    }

    synchronized int submitted() {
        return submitted;
    }

    synchronized void awaitSubmitted(int count) {
        await(() -> submitted >= count, "requests submitted");
    }

    synchronized void awaitClosed() {
        await(() -> closed > 0, "close");
    }

    synchronized int closed() {
        return closed;
    }

    private void await(java.util.function.BooleanSupplier condition, String what) {
        long end = System.nanoTime() + PATIENCE_NANOS;
        try {
            while (!condition.getAsBoolean()) {
                long leftMillis = (end - System.nanoTime()) / 1_000_000;
                if (leftMillis <= 0) {
                    throw new AssertionError("waited in vain for " + what + "; submitted " + submitted);
                }
                wait(leftMillis);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public synchronized void close() {
        closed++;
        notifyAll();
    }
}

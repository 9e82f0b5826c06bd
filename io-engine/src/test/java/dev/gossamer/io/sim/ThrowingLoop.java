package dev.gossamer.io.sim;

import dev.gossamer.io.ForwardingLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestPool;
import dev.gossamer.io.buffer.IoBufferPool;

/**
 * A worker's loop that throws when it is asked for the n-th time for the clock, for a request or for memory, to run a
 * task or to set a timer: in the middle of whatever the worker is doing.
 */
public final class ThrowingLoop extends ForwardingLoop {
    private long countdown = Long.MAX_VALUE;
    private Throwable fault;

    public ThrowingLoop(IoLoop loop) {
        super(loop);
    }

    /** The n-th call from now throws, once. */
    public void throwAt(long n, Throwable newFault) {
        countdown = n;
        fault = newFault;
    }

    /** Whether that has happened. */
    public boolean hasThrown() {
        return countdown <= 0;
    }

    private void maybeThrow() {
        if (!inLoop() || --countdown != 0) {
            return;
        }
        fault.fillInStackTrace();
        switch (fault) {
            case Error error -> throw error;
            case RuntimeException exception -> throw exception;
            default -> throw new IllegalArgumentException(fault);
        }
    }

    @Override
    public void execute(Runnable task) {
        maybeThrow();
        super.execute(task);
    }

    @Override
    public void schedule(Runnable task, long delayNanos) {
        maybeThrow();
        super.schedule(task, delayNanos);
    }

    @Override
    public long nanoTime() {
        maybeThrow();
        return super.nanoTime();
    }

    @Override
    public RequestPool requests() {
        maybeThrow();
        return super.requests();
    }

    @Override
    public IoBufferPool buffers() {
        maybeThrow();
        return super.buffers();
    }
}

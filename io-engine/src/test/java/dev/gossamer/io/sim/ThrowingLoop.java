package dev.gossamer.io.sim;

import dev.gossamer.io.Faults;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestPool;
import dev.gossamer.io.buffer.IoBufferPool;

/**
 * A worker's loop that throws when it is asked for the n-th time for the clock, for a request or for memory: in the
 * middle of whatever the worker is doing.
 */
public final class ThrowingLoop implements IoLoop {
    private final IoLoop loop;
    private long countdown = Long.MAX_VALUE;
    private Throwable fault;

    public ThrowingLoop(IoLoop loop) {
        this.loop = loop;
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
        if (!loop.inLoop() || --countdown != 0) {
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
    public int index() {
        return loop.index();
    }

    @Override
    public boolean inLoop() {
        return loop.inLoop();
    }

    @Override
    public void execute(Runnable task) {
        loop.execute(task);
    }

    @Override
    public void schedule(Runnable task, long delayNanos) {
        loop.schedule(task, delayNanos);
    }

    @Override
    public Faults faults() {
        return loop.faults();
    }

    @Override
    public long nanoTime() {
        maybeThrow();
        return loop.nanoTime();
    }

    @Override
    public RequestPool requests() {
        maybeThrow();
        return loop.requests();
    }

    @Override
    public IoBufferPool buffers() {
        maybeThrow();
        return loop.buffers();
    }

    @Override
    public FileEngine files() {
        return loop.files();
    }
}

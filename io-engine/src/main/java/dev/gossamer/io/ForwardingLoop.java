package dev.gossamer.io;

import dev.gossamer.io.buffer.IoBufferPool;

/** Another loop, in whose place it stands; a subclass is different in something. */
public abstract class ForwardingLoop implements IoLoop {
    private final IoLoop loop;

    /** Everything goes on to that loop. */
    protected ForwardingLoop(IoLoop loop) {
        this.loop = loop;
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
        return loop.nanoTime();
    }

    @Override
    public RequestPool requests() {
        return loop.requests();
    }

    @Override
    public IoBufferPool buffers() {
        return loop.buffers();
    }

    @Override
    public FileEngine files() {
        return loop.files();
    }

    @Override
    public String toString() {
        return loop.toString();
    }
}

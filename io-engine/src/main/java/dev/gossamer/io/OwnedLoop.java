package dev.gossamer.io;

import dev.gossamer.io.buffer.IoBufferPool;
import java.util.function.Consumer;

/**
 * A loop as one of its users sees it, a worker or a connection: what his tasks and timers throw is told to him as well
 * as to the loop's {@link Faults}. Whoever waits for such a task would else wait for ever.
 */
public final class OwnedLoop implements IoLoop {
    private final IoLoop loop;
    private final Faults faults;

    /**
     * One user's view of a loop.
     *
     * @param bugs told, on the loop, what a task or timer of his has thrown
     */
    public OwnedLoop(IoLoop loop, Consumer<Throwable> bugs) {
        this.loop = loop;
        this.faults = loop.faults().part(bugs);
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
        loop.execute(faults.guarded(task));
    }

    @Override
    public void schedule(Runnable task, long delayNanos) {
        loop.schedule(faults.guarded(task), delayNanos);
    }

    @Override
    public Faults faults() {
        return faults;
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

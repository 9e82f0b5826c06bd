package dev.gossamer.io;

import java.util.function.Consumer;

/**
 * A loop as one of its users sees it, a worker or a connection: what his tasks and timers throw is told to him as well
 * as to the loop's {@link Faults}. Whoever waits for such a task would else wait for ever.
 */
public final class OwnedLoop extends ForwardingLoop {
    private final Faults faults;

    /**
     * One user's view of a loop.
     *
     * @param bugs told, on the loop, what a task or timer of his has thrown
     */
    public OwnedLoop(IoLoop loop, Consumer<Throwable> bugs) {
        super(loop);
        this.faults = loop.faults().part(bugs);
    }

    @Override
    public void execute(Runnable task) {
        super.execute(faults.guarded(task));
    }

    @Override
    public void schedule(Runnable task, long delayNanos) {
        super.schedule(faults.guarded(task), delayNanos);
    }

    @Override
    public Faults faults() {
        return faults;
    }
}

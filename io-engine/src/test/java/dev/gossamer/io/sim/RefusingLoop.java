package dev.gossamer.io.sim;

import dev.gossamer.io.ForwardingLoop;
import dev.gossamer.io.IoLoop;
import java.util.concurrent.RejectedExecutionException;

/** A loop that takes no task now and then, or has ended. */
public final class RefusingLoop extends ForwardingLoop {
    private int outOfMemory;
    private int timersRefused;
    private boolean ended;

    public RefusingLoop(IoLoop loop) {
        super(loop);
    }

    /** So many tasks from now are refused for want of memory. */
    public void refuse(int tasks) {
        outOfMemory = tasks;
    }

    /** So many timers from now are refused for want of memory. */
    public void refuseTimers(int timers) {
        timersRefused = timers;
    }

    /** From now on nothing is taken any more. */
    public void end() {
        ended = true;
    }

    @Override
    public void execute(Runnable task) {
        if (ended) {
            throw new RejectedExecutionException("the loop has ended");
        }
        if (outOfMemory > 0) {
            outOfMemory--;
            throw new OutOfMemoryError("for a task");
        }
        super.execute(task);
    }

    @Override
    public void schedule(Runnable task, long delayNanos) {
        if (timersRefused > 0) {
            timersRefused--;
            throw new OutOfMemoryError("for a timer");
        }
        super.schedule(task, delayNanos);
    }
}

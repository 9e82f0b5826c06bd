package dev.gossamer.io.sim;

import dev.gossamer.io.IoLoop;
import java.util.concurrent.RejectedExecutionException;

/** A loop that takes no task now and then, or has ended. */
public final class RefusingLoop extends ForwardingLoop {
    private int outOfMemory;
    private boolean ended;

    public RefusingLoop(IoLoop loop) {
        super(loop);
    }

    /** So many tasks from now are refused for want of memory. */
    public void refuse(int tasks) {
        outOfMemory = tasks;
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
}

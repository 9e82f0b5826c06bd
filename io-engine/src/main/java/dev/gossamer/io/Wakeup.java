package dev.gossamer.io;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/**
 * A task that others ask a loop to run when they have left something for it, made once. What is left would wait for
 * ever if the asking failed: a loop that has ended takes no task, and without memory none can be queued.
 *
 * <p>Callable from any thread. Nothing here throws.
 */
public final class Wakeup {
    /** Who cannot even queue a task has nothing better to do than to try again. */
    private static final long PAUSE_NANOS = 1_000_000;

    /** Ten seconds: a process that has no memory for so long is at its end. */
    private static final int ATTEMPTS = 10_000;

    private final IoLoop loop;
    private final Runnable task;

    public Wakeup(IoLoop loop, Runnable task) {
        this.loop = loop;
        this.task = loop.faults().guarded(task);
    }

    /** Asks once. @return whether the task will run */
    public boolean tryCall() {
        try {
            loop.execute(task);
            return true;
        } catch (Throwable refused) {
            return false;
        }
    }

    /** Asks until the loop has the task. @return false if it has ended: nothing runs there any more */
    public boolean call() {
        return call(loop, task);
    }

    /** The same for a task that is asked for once. */
    public static boolean call(IoLoop loop, Runnable task) {
        return call(loop, task, made -> made);
    }

    /**
     * The same for a task that has yet to be made, for which there may be no memory either.
     *
     * @param maker captures nothing
     */
    public static <T> boolean call(IoLoop loop, T subject, Function<T, Runnable> maker) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            try {
                loop.execute(maker.apply(subject));
                return true;
            } catch (RejectedExecutionException ended) {
                return false;
            } catch (Throwable noMemory) {
                LockSupport.parkNanos(loop, PAUSE_NANOS);
            }
        }
        return false;
    }
}

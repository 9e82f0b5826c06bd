package dev.gossamer.daemon.device;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;

/**
 * Where requests wait for what they name: a device may hang in a system call for as long as it likes, and the thread
 * with it. A thread of the platform for each, because a virtual one would keep one of the few that carry all others
 * (JEP 444), and {@link #LIMIT} at most. They end with the process. Any thread.
 */
public final class OpenerThreads {
    /** Somebody has three or four made at once; more are devices that do not answer. */
    public static final int LIMIT = 8;

    private final Semaphore free = new Semaphore(LIMIT);

    /** What may wait. */
    @FunctionalInterface
    public interface Task<T> {
        T run() throws StorageException;
    }

    /**
     * Runs this on a thread of its own; what it throws is the answer's failure, and so is {@link Errno#EBUSY} if all
     * are taken.
     */
    public <T> CompletableFuture<T> run(Task<T> task) {
        if (!free.tryAcquire()) {
            return CompletableFuture.failedFuture(new StorageException(
                    Errno.EBUSY,
                    LIMIT + " requests wait for devices already; try again, and look for those that do not answer"));
        }
        CompletableFuture<T> answer = new CompletableFuture<>();
        boolean started = false;
        try {
            Thread.ofPlatform().daemon().name("gossamer-opener").start(() -> run(task, answer));
            started = true;
        } finally {
            if (!started) {
                free.release();
            }
        }
        return answer;
    }

    /** Free before the answer is there: who has that may come with the next request. */
    private <T> void run(Task<T> task, CompletableFuture<T> answer) {
        T result;
        try {
            result = task.run();
        } catch (StorageException | RuntimeException | Error e) {
            free.release();
            answer.completeExceptionally(e);
            return;
        }
        free.release();
        answer.complete(result);
    }
}

package dev.gossamer.thin.pool;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.Kept;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** How management operations get to a pool's worker, and their answers back, whatever comes of them. Any thread. */
final class WorkerCalls {
    /** Work for the worker that can fail. */
    interface Task<T> {
        T run() throws StorageException;
    }

    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final PoolState state;
    private final Committer committer;
    private final PoolFaults faults;
    private final WorkerQueue queue;

    WorkerCalls(PoolParts parts) {
        loop = parts.loop;
        metadata = parts.metadata;
        state = parts.state;
        committer = parts.committer;
        faults = parts.faults;
        queue = parts.queue;
    }

    /** An answer that comes: EIO if the pool fails before. */
    @SuppressWarnings("FutureReturnValueIgnored") // what is chained to it cannot fail
    <T> CompletableFuture<T> answer() {
        CompletableFuture<T> answer = new CompletableFuture<>();
        Kept its = () -> end(answer, new StorageException(Errno.EIO, "the pool has failed: " + state.cause()));
        queue.keep(its);
        answer.whenComplete((done, failure) -> queue.forget(its));
        return answer;
    }

    /** Ends one that has no value; {@code failure} is null if it went well. */
    static void end(CompletableFuture<?> answer, Throwable failure) {
        if (failure == null) {
            answer.complete(null);
        } else {
            answer.completeExceptionally(failure);
        }
    }

    /** Runs a task; its result, or what it throws, is the answer. */
    static <T> CompletableFuture<T> call(Executor loop, Task<T> task) {
        return call(loop, new CompletableFuture<>(), task);
    }

    private static <T> CompletableFuture<T> call(Executor loop, CompletableFuture<T> answer, Task<T> task) {
        loop.execute(() -> {
            try {
                answer.complete(task.run());
            } catch (StorageException | RuntimeException | Error e) {
                answer.completeExceptionally(e);
            }
        });
        return answer;
    }

    /** Runs a task on the worker. */
    <T> CompletableFuture<T> onWorker(Task<T> task) {
        return call(loop, answer(), task);
    }

    /**
     * A management operation. If it could not read or write metadata, the transaction is aborted (E-1); if it shows a
     * bug, the pool has failed.
     */
    <T> CompletableFuture<T> message(Task<T> task) {
        return whenQuiet(() -> {
            try {
                return task.run();
            } catch (StorageException e) {
                boolean harmless = e instanceof MetadataCorrupt && !metadata.isHalfChanged();
                if (e.errno() == Errno.EIO && !harmless && !state.mode().isFinal()) {
                    faults.abort(e);
                }
                throw e;
            } catch (RuntimeException | Error bug) {
                faults.failed(bug);
                throw bug;
            }
        });
    }

    /** Runs a task that commits, while no other commit is being written. */
    <T> CompletableFuture<T> whenQuiet(Task<T> task) {
        return call(work -> loop.execute(() -> committer.whenQuiet(work)), answer(), task);
    }

    /** The same for one that answers later. */
    void whenQuiet(CompletableFuture<?> answer, Runnable work) {
        loop.execute(() -> committer.whenQuiet(() -> orFail(answer, work)));
    }

    /** Runs work that answers; what it throws is a bug of the pool's, and the answer. Worker's thread. */
    void orFail(CompletableFuture<?> answer, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            answer.completeExceptionally(bug);
        }
    }
}

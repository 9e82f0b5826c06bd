package dev.gossamer.daemon;

import dev.gossamer.daemon.admin.SpaceTrend;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.pool.ThinPool;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The pool's condition, also while the pool cannot tell: its worker waits for a metadata device that does not answer.
 * Then it is what was known last. One question is under way at a time, whoever asks. Any thread.
 */
final class LatestStatus {
    /** Whoever looks after a stalled device waits so long for each look. */
    private static final long PATIENCE_MILLIS = 2_000;

    /**
     * A condition.
     *
     * @param fresh the pool has told it just now
     */
    record Known(PoolStatus status, boolean fresh) {}

    private final Supplier<CompletableFuture<PoolStatus>> pool;
    // Guarded by this object's monitor.
    private CompletableFuture<PoolStatus> underWay;
    private volatile PoolStatus latest;
    private final SpaceHistory history = new SpaceHistory(this::ask);

    private LatestStatus(Supplier<CompletableFuture<PoolStatus>> pool, PoolStatus first) {
        this.pool = pool;
        this.latest = first;
    }

    /** Asks a pool for the first time, and waits. */
    static LatestStatus of(ThinPool pool) throws StorageException {
        LatestStatus latest = new LatestStatus(pool::status, ThinPool.join(pool.status()));
        latest.history.look();
        return latest;
    }

    /** Where the pool's space is going. */
    SpaceTrend trend() {
        return history.trend();
    }

    /** What was known last. */
    PoolStatus latest() {
        return latest;
    }

    CompletableFuture<Known> ask() {
        CompletableFuture<Known> answer = question().thenApply(status -> new Known(status, true));
        return answer.completeOnTimeout(new Known(latest, false), PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    }

    private synchronized CompletableFuture<PoolStatus> question() {
        if (underWay == null || underWay.isDone()) {
            underWay = pool.get().thenApply(status -> {
                latest = status;
                return status;
            });
        }
        return underWay;
    }
}

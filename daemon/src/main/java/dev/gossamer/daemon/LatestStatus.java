package dev.gossamer.daemon;

import dev.gossamer.daemon.admin.SpaceTrend;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.pool.ThinPool;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * The pool's condition, also while the pool cannot tell: its worker waits for a metadata device that does not answer.
 * Then it is what was known last. One question is under way at a time, whoever asks. Any thread.
 */
@SuppressWarnings("FutureReturnValueIgnored") // who asked has a future of its own
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
    private final long patienceMillis;
    private final SpaceHistory history = new SpaceHistory(this::ask);
    private volatile PoolStatus latest;
    // Below: guarded by this object's monitor.
    private boolean underWay;
    // Nobody stays here for longer than its patience, however long the pool waits.
    private final Set<CompletableFuture<Known>> asking = Collections.newSetFromMap(new IdentityHashMap<>());

    /** @param patienceMillis how long each asker waits for an answer */
    LatestStatus(Supplier<CompletableFuture<PoolStatus>> pool, PoolStatus first, long patienceMillis) {
        this.pool = pool;
        this.latest = first;
        this.patienceMillis = patienceMillis;
    }

    /** Asks a pool for the first time, and waits. */
    static LatestStatus of(ThinPool pool) throws StorageException {
        LatestStatus latest = new LatestStatus(pool::status, ThinPool.join(pool.status()), PATIENCE_MILLIS);
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
        CompletableFuture<Known> answer = new CompletableFuture<>();
        if (add(answer)) {
            askPool();
        }
        CompletableFuture<Known> known = answer.exceptionally(failure -> {
            if (failure instanceof TimeoutException) {
                return new Known(latest, false);
            }
            throw failure instanceof CompletionException wrapped ? wrapped : new CompletionException(failure);
        });
        answer.orTimeout(patienceMillis, TimeUnit.MILLISECONDS).whenComplete((status, failure) -> remove(answer));
        return known;
    }

    /** Whether the pool is to be asked: nobody else has. */
    private synchronized boolean add(CompletableFuture<Known> answer) {
        asking.add(answer);
        boolean first = !underWay;
        underWay = true;
        return first;
    }

    @SuppressWarnings("CollectionUndefinedEquality") // by identity
    private synchronized void remove(CompletableFuture<Known> answer) {
        asking.remove(answer);
    }

    synchronized int asking() {
        return asking.size();
    }

    private void askPool() {
        CompletableFuture<PoolStatus> question;
        try {
            question = pool.get();
        } catch (RuntimeException | Error e) {
            question = CompletableFuture.failedFuture(e);
        }
        question.whenComplete(this::told);
    }

    private void told(PoolStatus status, Throwable failure) {
        List<CompletableFuture<Known>> told;
        synchronized (this) {
            underWay = false;
            latest = failure == null ? status : latest;
            told = List.copyOf(asking);
            asking.clear();
        }
        for (CompletableFuture<Known> answer : told) {
            if (failure == null) {
                answer.complete(new Known(status, true));
            } else {
                answer.completeExceptionally(failure);
            }
        }
    }
}

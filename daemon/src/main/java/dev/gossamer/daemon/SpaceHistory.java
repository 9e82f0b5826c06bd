package dev.gossamer.daemon;

import dev.gossamer.daemon.admin.SpaceTrend;
import dev.gossamer.thin.PoolStatus;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * How the pool has filled lately: a look a minute, an hour of them. From that, how fast it grows and when it is full if
 * that goes on. Ends by itself with the pool. Any thread.
 */
final class SpaceHistory {
    private static final long PERIOD_SECONDS = 60;
    private static final int KEPT = 61;

    /** Below this the line through them says nothing. */
    private static final int LEAST = 3;

    private record Look(long nanos, long usedBytes, long freeBytes) {}

    private final Supplier<CompletableFuture<LatestStatus.Known>> source;
    private final Executor later = CompletableFuture.delayedExecutor(PERIOD_SECONDS, TimeUnit.SECONDS);
    private final ArrayDeque<Look> looks = new ArrayDeque<>();

    SpaceHistory(Supplier<CompletableFuture<LatestStatus.Known>> source) {
        this.source = source;
    }

    /** Looks now, and then again until the pool is closed. */
    @SuppressWarnings("FutureReturnValueIgnored") // A pool that fails to answer is closed: nobody looks any more.
    void look() {
        source.get().thenAccept(known -> {
            try {
                if (known.fresh()) {
                    add(System.nanoTime(), known.status());
                }
            } finally {
                later.execute(this::look); // one look that fails is one look less
            }
        });
    }

    private void add(long nanos, PoolStatus status) {
        long free = status.space().dataBlocksFree() * status.blockBytes();
        add(nanos, status.dataBlocksUsed() * status.blockBytes(), free);
    }

    synchronized void add(long nanos, long usedBytes, long freeBytes) {
        looks.addLast(new Look(nanos, usedBytes, freeBytes));
        if (looks.size() > KEPT) {
            looks.removeFirst();
        }
    }

    /** By the straight line that lies nearest to all looks, so that one burst does not decide. */
    synchronized SpaceTrend trend() {
        if (looks.size() < LEAST) {
            return SpaceTrend.UNKNOWN;
        }
        long origin = looks.getFirst().nanos();
        double meanSeconds = 0;
        double meanBytes = 0;
        for (Look look : looks) {
            meanSeconds += (look.nanos() - origin) / 1e9 / looks.size();
            meanBytes += (double) look.usedBytes() / looks.size();
        }
        double covariance = 0;
        double variance = 0;
        for (Look look : looks) {
            double seconds = (look.nanos() - origin) / 1e9 - meanSeconds;
            covariance += seconds * (look.usedBytes() - meanBytes);
            variance += seconds * seconds;
        }
        double bytesPerSecond = variance == 0 ? 0 : covariance / variance;
        return SpaceTrend.of(bytesPerSecond, looks.getLast().freeBytes());
    }
}

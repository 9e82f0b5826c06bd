package dev.gossamer.thin.job;

import dev.gossamer.io.DurationHistogram;
import dev.gossamer.thin.ClientLatency;

/**
 * How long jobs rest after a step: as long as it took, times a factor that goes up while clients' p99 is above its
 * target, and down again while it is below (RL-7). The target is twice what clients had before the jobs began; where
 * nobody was there to count, {@link #UNKNOWN_TARGET_NANOS}. Where even jobs that hardly work change nothing, something
 * else has, and what clients have then is the new measure. Worker's thread.
 */
final class Pace {
    /** Between two steps, at least. */
    static final long LEAST_NANOS = 1_000_000L;

    /** And at most: a step that has met a stalled disk, or a clock that leaps, is no measure of what clients feel. */
    static final long MOST_NANOS = 30_000_000_000L;

    /** Between looks at clients' latency. */
    static final long LOOK_NANOS = 100_000_000L;

    /** Fewer requests tell nothing of a p99. */
    static final int MIN_REQUESTS = 100;

    /** Jobs work one part in 65, at least. */
    static final int MAX_FACTOR = 64;

    /** Looks at this factor that change nothing, after which jobs are not to blame. */
    static final int MAX_VAIN_LOOKS = 20;

    /** What clients of a pool of disks may be expected to have. */
    static final long UNKNOWN_TARGET_NANOS = 20_000_000L;

    private static final double NANOS = 1e9;

    private ClientLatency clients = ClientLatency.UNKNOWN;
    private long[] counted = new long[DurationHistogram.buckets()];
    private long usualNanos;
    private boolean working;
    private long lookedAt;
    private int vainLooks;
    private int factor = 1;

    /** Names what is looked at. */
    void watch(ClientLatency itsClients) {
        clients = itsClients;
        counted = counts();
    }

    /** Whether any job is under way: what clients have while none is, is what they are used to. */
    void working(boolean any, long now) {
        if (any && !working) {
            long[] since = take();
            usualNanos = p99(since) > 0 ? p99(since) : usualNanos;
            lookedAt = now;
        } else if (!any && working) {
            take();
            factor = 1;
            vainLooks = 0;
        }
        working = any;
    }

    /** How long to rest after a step that took so long. */
    long restNanos(long stepNanos, long now) {
        if (now - lookedAt >= LOOK_NANOS) {
            lookedAt = now;
            look();
        }
        return Math.clamp(Math.min(stepNanos, MOST_NANOS) * factor, LEAST_NANOS, MOST_NANOS);
    }

    /** How many times as long as they work jobs rest. */
    int factor() {
        return factor;
    }

    /** What a job tells of it; may be empty. */
    String slowness() {
        return factor == 1 ? "" : "; rests " + factor + " times as long as it works, as clients are slower than usual";
    }

    private void look() {
        long[] now = counts();
        long nanos = p99(difference(now));
        if (nanos == 0) {
            return; // too few yet: they are counted on
        }
        counted = now;
        long target = usualNanos == 0 ? UNKNOWN_TARGET_NANOS : 2 * usualNanos;
        if (nanos > target && factor == MAX_FACTOR) {
            if (++vainLooks == MAX_VAIN_LOOKS) {
                usualNanos = nanos;
                vainLooks = 0;
            }
        } else if (nanos > target) {
            factor = Math.min(MAX_FACTOR, 2 * factor);
        } else {
            vainLooks = 0;
            factor = Math.max(1, factor - Math.ceilDiv(factor, 4));
        }
    }

    private long[] take() {
        long[] now = counts();
        long[] since = difference(now);
        counted = now;
        return since;
    }

    private long[] difference(long[] now) {
        long[] since = new long[now.length];
        for (int i = 0; i < now.length; i++) {
            since[i] = now[i] - counted[i];
        }
        return since;
    }

    private long[] counts() {
        long[] counts = new long[DurationHistogram.buckets()];
        for (DurationHistogram histogram : clients.histograms()) {
            for (int i = 0; i < counts.length; i++) {
                counts[i] += histogram.count(i);
            }
        }
        return counts;
    }

    /** 99 of 100 took no longer, as exactly as buckets tell; 0: there are too few. */
    static long p99(long[] counts) {
        long total = 0;
        for (long count : counts) {
            total += count;
        }
        if (total < MIN_REQUESTS) {
            return 0;
        }
        long within = Math.ceilDiv(total * 99, 100L);
        int bucket = 0;
        while (within > counts[bucket]) {
            within -= counts[bucket++];
        }
        double from = bucket == 0 ? 0 : DurationHistogram.boundSeconds(bucket - 1);
        double to = DurationHistogram.boundSeconds(bucket);
        double at = Double.isInfinite(to) ? from : from + (to - from) * within / counts[bucket];
        return Math.max(1, (long) (at * NANOS));
    }
}

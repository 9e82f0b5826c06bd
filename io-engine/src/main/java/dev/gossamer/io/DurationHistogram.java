package dev.gossamer.io;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How many of something took how long: fixed bounds from 100 us to 30 s, which fit a cached read as well as a request
 * that has waited for a server. One thread writes, without a lock and without allocation; any may read, values one by
 * one.
 */
public final class DurationHistogram {
    private static final long MICROS = 1_000;
    private static final long MILLIS = 1_000_000;
    private static final long SECONDS = 1_000_000_000;

    /** Upper bounds in nanoseconds, inclusive; what is longer falls behind the last. */
    private static final long[] BOUNDS = {
        100 * MICROS,
        250 * MICROS,
        500 * MICROS,
        MILLIS,
        2 * MILLIS + 500 * MICROS,
        5 * MILLIS,
        10 * MILLIS,
        25 * MILLIS,
        50 * MILLIS,
        100 * MILLIS,
        250 * MILLIS,
        500 * MILLIS,
        SECONDS,
        5 * SECONDS,
        10 * SECONDS,
        30 * SECONDS
    };

    private static final int SUM = BOUNDS.length + 1;

    private final AtomicLongArray values = new AtomicLongArray(BOUNDS.length + 2);

    /** How many buckets there are; the last has no upper bound. */
    public static int buckets() {
        return BOUNDS.length + 1;
    }

    /** Upper bound of a bucket in seconds, infinite for the last. */
    public static double boundSeconds(int bucket) {
        return bucket == BOUNDS.length ? Double.POSITIVE_INFINITY : BOUNDS[bucket] / (double) SECONDS;
    }

    /** Counts one that took so long. The one writer's thread. */
    public void add(long nanos) {
        int bucket = 0;
        while (bucket < BOUNDS.length && nanos > BOUNDS[bucket]) {
            bucket++;
        }
        values.setOpaque(bucket, values.getPlain(bucket) + 1);
        values.setOpaque(SUM, values.getPlain(SUM) + nanos);
    }

    /** How many fell into this bucket and into none before it. */
    public long count(int bucket) {
        return values.getOpaque(bucket);
    }

    /** How long all of them took together. */
    public double sumSeconds() {
        return values.getOpaque(SUM) / (double) SECONDS;
    }
}

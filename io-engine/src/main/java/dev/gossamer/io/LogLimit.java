package dev.gossamer.io;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many lines of one kind reach the log: a burst, then one every interval, so that neither a broken disk nor a
 * hostile client can flood it; the next line that is written says how many were left out, or one that a timer writes.
 * Any thread; takes no lock.
 */
public final class LogLimit {
    private static final long NEVER = Long.MIN_VALUE;

    private final long intervalNanos;
    private final long burstNanos;
    // When the burst would be whole again: each line moves it by one interval.
    private final AtomicLong fullNanos = new AtomicLong(NEVER);
    private final AtomicLong leftOut = new AtomicLong();

    private LogLimit(long intervalNanos, int burst) {
        this.intervalNanos = intervalNanos;
        this.burstNanos = intervalNanos * burst;
    }

    /** One line a second: for what repeats itself as fast as requests come. */
    public static LogLimit onePerSecond() {
        return new LogLimit(TimeUnit.SECONDS.toNanos(1), 1);
    }

    /** Ten lines a second: for what helps only if there is more than one of it. */
    public static LogLimit tenPerSecond() {
        return new LogLimit(TimeUnit.MILLISECONDS.toNanos(100), 10);
    }

    /** Fifty lines at once, then one a second: for what each tells of somebody else. */
    public static LogLimit fiftyThenOnePerSecond() {
        return new LogLimit(TimeUnit.SECONDS.toNanos(1), 50);
    }

    /** Whether to write the line now; if not, it is counted. */
    public boolean admits(long nowNanos) {
        if (!take(nowNanos)) {
            leftOut.incrementAndGet();
            return false;
        }
        return true;
    }

    private boolean take(long nowNanos) {
        long full = fullNanos.get();
        long next = full == NEVER || full - nowNanos < 0 ? nowNanos : full;
        return next - nowNanos <= burstNanos - intervalNanos && fullNanos.compareAndSet(full, next + intervalNanos);
    }

    /** As {@link #takeLeftOut}, if a line that tells of them may be written now; otherwise 0, and they stay counted. */
    public long takeLeftOutIfAdmitted(long nowNanos) {
        return leftOut.get() > 0 && take(nowNanos) ? takeLeftOut() : 0;
    }

    /** Lines that were left out since this was asked last. */
    public long takeLeftOut() {
        return leftOut.getAndSet(0);
    }
}

package dev.gossamer.thin.job;

import dev.gossamer.thin.JobInfo;
import java.util.concurrent.atomic.AtomicLongArray;

/** How many jobs there are, and how they fare. Written by the worker's thread, read by any. */
@SuppressWarnings("EnumOrdinal") // A slot per state, in memory only.
public final class JobFigures {
    private final AtomicLongArray ended = new AtomicLongArray(JobInfo.State.values().length);
    private volatile int activeCount;
    private volatile int restFactor = 1;

    void set(int active, int factor) {
        activeCount = active;
        restFactor = factor;
    }

    void ended(JobInfo.State how) {
        ended.incrementAndGet(how.ordinal());
    }

    /** Those under way, paused ones included. */
    public int activeCount() {
        return activeCount;
    }

    /** How many have ended so since the pool was opened. */
    public long endedCount(JobInfo.State state) {
        return ended.get(state.ordinal());
    }

    /** How many times as long as they work jobs rest, for clients' sake. */
    public int restFactor() {
        return restFactor;
    }
}

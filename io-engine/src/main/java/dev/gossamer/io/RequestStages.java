package dev.gossamer.io;

import java.util.Arrays;

/**
 * How long a request has been under way, and how much of that it has waited elsewhere than at its device (OP-36).
 * Stages are noted where a request has to wait anyhow, so one that is served at once costs a look at the clock at
 * either end. Belongs to whoever has the request; times are those of its loop's clock, in nanoseconds.
 */
public final class RequestStages {
    /** For an overlapping write that came before. */
    public static final int ORDER = 0;
    /** With a worker: until its turn, for space, for other work on the same block. */
    public static final int WORKER = 1;
    /** For a commit. */
    public static final int COMMIT = 2;
    /** A READ's, for its turn at the device beside others. */
    public static final int TURN = 3;

    private static final int COUNT = 4;
    private static final int NONE = -1;

    private final long[] spent = new long[COUNT];
    private boolean dirty;
    private int stage = NONE;
    private long sinceNanos;
    private long beganNanos;

    /** The request sets out. */
    public void begin(long nowNanos) {
        beganNanos = nowNanos;
        if (dirty) {
            Arrays.fill(spent, 0);
            stage = NONE;
            dirty = false;
        }
    }

    /** It waits from now on; what it was in before ends. */
    public void enter(int newStage, long nowNanos) {
        leave(nowNanos);
        stage = newStage;
        sinceNanos = nowNanos;
        dirty = true;
    }

    /** It goes on. */
    public void leave(long nowNanos) {
        if (stage != NONE) {
            spent[stage] += nowNanos - sinceNanos;
            stage = NONE;
        }
    }

    /** How long it has been under way. */
    public long totalNanos(long nowNanos) {
        return nowNanos - beganNanos;
    }

    /** How long it has waited in one of the stages. */
    public long nanos(int ofStage) {
        return spent[ofStage];
    }

    /** A part of it has ended: parts wait side by side, so the longest counts. */
    void absorb(RequestStages part) {
        if (part.dirty) {
            for (int i = 0; i < COUNT; i++) {
                spent[i] = Math.max(spent[i], part.spent[i]);
            }
            dirty = true;
        }
    }
}

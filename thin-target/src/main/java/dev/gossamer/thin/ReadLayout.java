package dev.gossamer.thin;

import dev.gossamer.io.Invariant;

/**
 * How the bytes of one READ divide into data and holes, as far as the published map tells (NBD T18). Runs follow each
 * other without a gap and alternate; used again by its owner, one thread. Whoever knows the map fills it: {@link
 * #begin}, {@link #add} for each stretch, {@link #finish}.
 */
public final class ReadLayout {
    /** More runs cost a client more to put together than the zeros cost to send; what is left then counts as data. */
    public static final int MAX_RUNS = 64;

    /** A shorter hole costs about as much as the data it saves. */
    public static final int MIN_HOLE_BYTES = 4096;

    private final long[] ends = new long[MAX_RUNS];
    private long holes;
    private int runs;
    private long beginBytes;

    /** Forgets everything; the range begins here. */
    public void begin(long offsetBytes) {
        beginBytes = offsetBytes;
        runs = 0;
        holes = 0;
    }

    /** The range goes on to {@code endBytes}, as one or the other. */
    public void add(long endBytes, boolean hole) {
        if (runs > 0 && isHole(runs - 1) != hole) {
            dropShortHole();
        }
        if (runs > 0 && isHole(runs - 1) == hole) {
            ends[runs - 1] = endBytes;
        } else if (runs == MAX_RUNS) {
            holes &= ~(1L << (runs - 1));
            ends[runs - 1] = endBytes;
        } else {
            holes |= hole ? 1L << runs : 0;
            ends[runs++] = endBytes;
        }
    }

    /** All has been added. */
    public void finish() {
        Invariant.check(runs > 0, "a range without bytes has no layout");
        dropShortHole();
    }

    /** A hole that does not pay, at the end of what is there, becomes part of the data before it. */
    private void dropShortHole() {
        int last = runs - 1;
        if (isHole(last) && ends[last] - beginBytes(last) < MIN_HOLE_BYTES) {
            holes &= ~(1L << last);
            if (last > 0) {
                ends[last - 1] = ends[last];
                runs--;
            }
        }
    }

    /** Number of runs, at least one. */
    public int runs() {
        return runs;
    }

    public boolean isHole(int run) {
        return (holes >>> run & 1) != 0;
    }

    /** Whether there is nothing but one hole. */
    public boolean isOneHole() {
        return runs == 1 && isHole(0);
    }

    public long beginBytes(int run) {
        return run == 0 ? beginBytes : ends[run - 1];
    }

    /** Where the run ends, exclusive. */
    public long endBytes(int run) {
        return ends[run];
    }
}

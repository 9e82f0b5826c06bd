package dev.gossamer.io.rate;

/**
 * One rate, kept as a time (the generic cell rate algorithm of ITU-T I.371): until when that which has gone through has
 * been paid for. Whoever comes while that is no further ahead than the burst may go, and moves it on by what he costs:
 * a large request goes when a small one would, and those after it wait for longer. Exact: fractions of a nanosecond are
 * carried on. Guarded by its gate.
 */
final class RateBucket {
    private static final long SECOND = 1_000_000_000L;

    /** A year. Only what is refused for so long anyway is counted for less. */
    private static final long LONGEST_DEBT_NANOS = 365L * 24 * 3600 * SECOND;

    private final long perSecond;
    private final long burstNanos;
    private long paidUntil = Long.MIN_VALUE / 2;
    // Of a nanosecond, in parts of a unit per second.
    private long fraction;

    /** Full. */
    RateBucket(long perSecond, long burstNanos) {
        this.perSecond = perSecond;
        this.burstNanos = burstNanos;
    }

    /** From when on the next one may go. */
    long readyAt() {
        return paidUntil - burstNanos;
    }

    /** @param units at most 2^32 */
    void charge(long units, long nowNanos) {
        long parts = units * SECOND + fraction;
        fraction = parts % perSecond;
        long ahead = Math.max(paidUntil, nowNanos) - nowNanos + parts / perSecond;
        paidUntil = nowNanos + Math.min(ahead, LONGEST_DEBT_NANOS);
    }

    /** What was charged has not gone through. */
    void refund(long units) {
        long parts = fraction - units * SECOND;
        fraction = Math.floorMod(parts, perSecond);
        paidUntil += Math.floorDiv(parts, perSecond);
    }
}

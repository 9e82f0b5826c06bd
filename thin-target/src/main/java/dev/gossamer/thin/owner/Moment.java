package dev.gossamer.thin.owner;

/**
 * A moment by two clocks: the loop's, which stands still while the machine is suspended, and that of the wall, which
 * people set. It is over as soon as one of them says so.
 */
record Moment(long nanos, long millis) {
    static final Moment NEVER = new Moment(0, 0);

    Moment plus(long moreNanos) {
        return new Moment(nanos + moreNanos, millis + moreNanos / 1_000_000);
    }

    boolean isOver(long nowNanos, long nowMillis) {
        return nowNanos - nanos >= 0 || nowMillis - millis >= 0;
    }
}

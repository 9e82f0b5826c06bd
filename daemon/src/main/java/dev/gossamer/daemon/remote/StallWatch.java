package dev.gossamer.daemon.remote;

import dev.gossamer.io.ring.NettyLoop;

/**
 * Whether the oldest request of one link is so old that its device is stalled (OP-3). Looks on the link's loop; how
 * long it has been is told to any thread.
 */
final class StallWatch {
    /** A request that is older makes its device stalled. */
    private static final long STALLED_NANOS = 5_000_000_000L;

    private static final long NOT_STALLED = Long.MIN_VALUE;

    private final long patienceNanos;
    /** When the oldest request was submitted that makes the device stalled. Written on the loop, read by any thread. */
    private volatile long sinceNanos = NOT_STALLED;

    /** @param patienceNanos from a request's submission to its deadline */
    StallWatch(long patienceNanos) {
        this.patienceNanos = patienceNanos;
    }

    /** Looks anew, and says whether the answer is another one than before. */
    boolean look(
            long nowNanos, Iterable<? extends RemoteCommand> waiting, Iterable<? extends RemoteCommand> unanswered) {
        long oldest = Math.min(oldest(nowNanos, waiting), oldest(nowNanos, unanswered));
        boolean was = isStalled();
        sinceNanos = nowNanos - oldest >= STALLED_NANOS ? oldest : NOT_STALLED;
        return isStalled() != was;
    }

    private long oldest(long nowNanos, Iterable<? extends RemoteCommand> commands) {
        long oldest = nowNanos;
        for (RemoteCommand command : commands) {
            oldest = Math.min(oldest, command.deadlineNanos - patienceNanos);
        }
        return oldest;
    }

    boolean isStalled() {
        return sinceNanos != NOT_STALLED;
    }

    /** How long the oldest request has waited by its loop's time, if the device is stalled; else 0. Any thread. */
    long nanos(NettyLoop loop) {
        long since = sinceNanos;
        return since == NOT_STALLED ? 0 : loop.nanoTime() - since;
    }
}

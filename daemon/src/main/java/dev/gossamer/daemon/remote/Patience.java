package dev.gossamer.daemon.remote;

import dev.gossamer.io.ring.NettyLoop;
import java.util.Collection;

/** How long requests of one link wait for the server. Confined to the link's loop. */
final class Patience {
    /** Looks for what has waited too long happen so often within a request's patience. */
    private static final int LOOKS = 32;

    private static final long LONGEST_LOOK_NANOS = 1_000_000_000;
    private static final long SHORTEST_LOOK_NANOS = 10_000_000;

    private final NettyLoop loop;
    private final long patienceNanos;
    /** Beyond this nothing is waited for, whatever the settings say. */
    private long limitNanos;

    private boolean limited;

    Patience(NettyLoop loop, long patienceNanos) {
        this.loop = loop;
        this.patienceNanos = patienceNanos;
    }

    /** Of what comes now. */
    long deadline() {
        return loop.nanoTime() + patienceNanos;
    }

    /** From now on nothing waits longer than this. */
    void limit(long nanos) {
        limited = true;
        limitNanos = loop.nanoTime() + nanos;
    }

    /** Until the next look for what has waited too long. */
    long lookNanos() {
        return Math.clamp(patienceNanos / LOOKS, SHORTEST_LOOK_NANOS, LONGEST_LOOK_NANOS);
    }

    /** Whether one of these commands, which are with the server, has no answer for too long. */
    boolean isOver(Collection<RemoteCommand> unanswered, long now, long silenceNanos) {
        return unanswered.stream()
                .anyMatch(command -> isExpired(command, now) || command.underWayNanos(now) >= silenceNanos);
    }

    boolean isExpired(RemoteCommand command, long now) {
        return command.isExpired(now) || (limited && now - limitNanos >= 0);
    }
}

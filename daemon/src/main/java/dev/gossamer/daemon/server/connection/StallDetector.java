package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ClientStream;

/**
 * Notices a peer that takes no replies, or began a write and sends no more of it: both hold memory that others need. An
 * idle connection that owes nothing may stay for ever. One whose client has ended may not: what it asked for last may
 * wait for space that never comes, and nothing would tell that nobody is there any more (T37). Confined to the
 * connection's event loop.
 */
final class StallDetector {
    /** Looks per stall time: what is reported is late by a quarter at most. */
    static final int LOOKS = 4;

    /** While others wait for memory, less than this in the time is as good as nothing. */
    private static final long LEAST_BYTES = 16 << 10;

    private final ClientStream stream;
    private final ConnectionLimits limits;
    private long seenBytes;
    private long sinceNanos;
    private boolean owed;
    private boolean ended;
    private long endedNanos;

    StallDetector(ClientStream stream, ConnectionLimits limits) {
        this.stream = stream;
        this.limits = limits;
    }

    /**
     * To be called {@link #LOOKS} times in the time that a peer may stall.
     *
     * @param missingBytes payload of the write that is arriving which has not arrived
     * @param pressed whether somebody waits for what the peer holds: it has less time, and a few bytes do not count
     * @param finishing the client said goodbye or sends no more, and something of it is under way
     * @return why the peer has stalled; null if it has not
     */
    String look(long missingBytes, long nowNanos, boolean pressed, boolean finishing) {
        stream.lookForClient(); // who has gone is finishing at the next look
        if (finishing && ended && nowNanos - endedNanos >= limits.stallMillis() * 1_000_000) {
            return "its client has ended, and its last requests do not";
        }
        if (finishing && !ended) {
            ended = true;
            endedNanos = nowNanos;
        }
        long owedBytes = stream.unsentBytes() + missingBytes;
        long movedBytes = stream.sendProgress() - missingBytes - seenBytes;
        long leastBytes = pressed ? Math.min(LEAST_BYTES, owedBytes) : 1;
        // Less than before: another write has begun.
        if (!owed || owedBytes == 0 || movedBytes < 0 || movedBytes >= leastBytes) {
            owed = owedBytes > 0;
            seenBytes += movedBytes;
            sinceNanos = nowNanos;
            return null;
        }
        long limitMillis = pressed ? limits.pressedStallMillis() : limits.stallMillis();
        if (nowNanos - sinceNanos < limitMillis * 1_000_000) {
            return null;
        }
        return missingBytes > 0 ? "a write was begun and not completed" : "replies are not taken";
    }
}

package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ClientStream;

/**
 * Notices a peer that takes no replies, or began a write and sends no more of it: both hold memory that others need. An
 * idle connection that owes nothing may stay for ever. Confined to the connection's event loop.
 */
final class StallDetector {
    /** Looks per stall time: what is reported is late by a quarter at most. */
    static final int LOOKS = 4;

    private static final long NOTHING_OWED = -1;

    private final ClientStream stream;
    private long seenPendingBytes = NOTHING_OWED;
    private long seenProgress;
    private int looksWithoutProgress;

    StallDetector(ClientStream stream) {
        this.stream = stream;
    }

    /**
     * To be called {@link #LOOKS} times in the time that a peer may stall.
     *
     * @param missingBytes payload of the write that is arriving which has not arrived
     * @return why the peer has stalled; null if it has not
     */
    String look(long missingBytes) {
        boolean stalled = false;
        long owedBytes = stream.unsentBytes() + missingBytes;
        long pendingBytes = owedBytes == 0 ? NOTHING_OWED : owedBytes;
        long progress = stream.sendProgress();
        if (pendingBytes == NOTHING_OWED || pendingBytes != seenPendingBytes || progress != seenProgress) {
            looksWithoutProgress = 0;
        } else if (++looksWithoutProgress >= LOOKS) {
            stalled = true;
        }
        seenPendingBytes = pendingBytes;
        seenProgress = progress;
        if (!stalled) {
            return null;
        }
        return missingBytes > 0 ? "a write was begun and not completed" : "replies are not taken";
    }
}

package dev.gossamer.daemon.server;

/**
 * Notices a peer that takes no replies, or began a write and sends no more of it: both hold memory that others need. An
 * idle connection that owes nothing may stay for ever. Confined to the connection's event loop.
 */
final class StallClock {
    /** Looks per stall time: what is reported is late by a quarter at most. */
    static final int LOOKS = 4;

    private static final long NOTHING_OWED = -1;

    private final NbdConnection connection;
    private final ClientStream stream;
    private long seenPendingBytes = NOTHING_OWED;
    private long seenProgress;
    private int looksWithoutProgress;

    StallClock(NbdConnection connection, ClientStream stream) {
        this.connection = connection;
        this.stream = stream;
    }

    /** To be called {@link #LOOKS} times in the time that a peer may stall. */
    void look() {
        long missingBytes = connection.missingPayloadBytes();
        long owedBytes = stream.unsentBytes() + missingBytes;
        long pendingBytes = owedBytes == 0 ? NOTHING_OWED : owedBytes;
        long progress = stream.sendProgress();
        if (pendingBytes == NOTHING_OWED || pendingBytes != seenPendingBytes || progress != seenProgress) {
            looksWithoutProgress = 0;
        } else if (++looksWithoutProgress >= LOOKS) {
            connection.drop(missingBytes > 0 ? "a write was begun and not completed" : "replies are not taken");
        }
        seenPendingBytes = pendingBytes;
        seenProgress = progress;
    }
}

package dev.gossamer.daemon.remote;

/**
 * How much data a link may have under way: no more than the way to the server and back takes in a second or so. What is
 * under way cannot be overtaken any more; behind more than that, on a slow way, an {@linkplain
 * dev.gossamer.io.BlockRequest#URGENT urgent} command would come too late, and a server that works be taken for a dead
 * one.
 *
 * <p>It doubles with each of its sizes that is answered in time, and halves, once a second, when an answer takes
 * longer. Confined to the link's loop.
 */
final class SendWindow {
    /** Enough for a hundred small commands; a way that takes a second for so little is of no use. */
    static final int LEAST_BYTES = 1 << 20;

    static final long SLOW_NANOS = 1_000_000_000;

    private final int mostBytes;
    private int bytes;
    private long narrowedNanos;
    private boolean narrowed;

    /** @param mostBytes on a way that is fast enough for it */
    SendWindow(int mostBytes) {
        this.mostBytes = mostBytes;
        this.bytes = Math.min(LEAST_BYTES, mostBytes);
    }

    int bytes() {
        return bytes;
    }

    /** A command was answered that carried so much data there or back; one without data tells nothing of the way. */
    void answered(int payloadBytes, long tookNanos, long nowNanos) {
        if (payloadBytes == 0) {
            return;
        }
        if (tookNanos < SLOW_NANOS) {
            bytes = (int) Math.min(mostBytes, (long) bytes + payloadBytes);
        } else if (!narrowed || nowNanos - narrowedNanos >= SLOW_NANOS) {
            narrowed = true;
            narrowedNanos = nowNanos;
            bytes = Math.max(Math.min(LEAST_BYTES, mostBytes), bytes / 2);
        }
    }
}

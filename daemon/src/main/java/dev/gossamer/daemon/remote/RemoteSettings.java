package dev.gossamer.daemon.remote;

import java.time.Duration;

/**
 * The bounds of an {@link NbdClientDevice}.
 *
 * @param patienceMillis from submission, a request may take so long, lost connections and all; then it ends with EIO.
 *     Attempts to reconnect end as long after the last request, and begin again with the next one. 0: for ever (OP-2)
 * @param silenceMillis a connection whose server has not answered a command for so long is given up for a new one
 * @param firstRetryMillis pause after the first failed attempt to reconnect; each further one is twice as long
 * @param lastRetryMillis the longest such pause
 * @param handshakeMillis for connecting and negotiating, once
 * @param inFlightLimit commands sent and not answered, per connection
 * @param inFlightBytes data in such commands, per connection, on a way that is fast enough for it ({@link SendWindow});
 *     at least one command is always sent
 * @param unflushedBytes answered writes that are kept per connection until a FLUSH covers them. At half of it the
 *     device flushes by itself; at the limit, writes wait
 * @param attempts how often one command is sent, so that one that kills its server does not do so for ever
 */
public record RemoteSettings(
        long patienceMillis,
        long silenceMillis,
        long firstRetryMillis,
        long lastRetryMillis,
        long handshakeMillis,
        int inFlightLimit,
        int inFlightBytes,
        int unflushedBytes,
        int attempts) {
    /**
     * 30 s is what initiators commonly wait before they call a disk dead, and enough for a server to restart. 100 ms: a
     * restarting server is back soon; 5 s: nobody notices attempts that rare. 128 commands are what the Linux client
     * sends, so servers take them; 32 MiB fill a network of 10 Gbit/s at a round trip of 25 ms. 64 MiB of kept writes
     * let a FLUSH cover a second or so of writing at disk speed.
     */
    public static final RemoteSettings DEFAULT =
            new RemoteSettings(30_000, 30_000, 100, 5_000, 10_000, 128, 32 << 20, 64 << 20, 5);

    private static final int LEAST_IN_FLIGHT_BYTES = 4 << 20;
    private static final int LEAST_UNFLUSHED_BYTES = 8 << 20;

    /** Longer than any process lives, and short enough to be added to a time. */
    private static final long FOR_EVER_NANOS = Long.MAX_VALUE / 4;

    /** The same with another patience; 0 is for ever, and then no command is given up either. */
    public RemoteSettings withPatience(Duration patience) {
        return new RemoteSettings(
                patience.toMillis(),
                patience.isZero() ? silenceMillis : Math.min(silenceMillis, patience.toMillis()),
                firstRetryMillis,
                lastRetryMillis,
                handshakeMillis,
                inFlightLimit,
                inFlightBytes,
                unflushedBytes,
                patience.isZero() ? Integer.MAX_VALUE : attempts);
    }

    /** The same for one of several connections that share what a single one would have, down to some large commands. */
    public RemoteSettings sharedBy(int connections) {
        return new RemoteSettings(
                patienceMillis,
                silenceMillis,
                firstRetryMillis,
                lastRetryMillis,
                handshakeMillis,
                inFlightLimit,
                Math.min(inFlightBytes, Math.max(LEAST_IN_FLIGHT_BYTES, inFlightBytes / connections)),
                Math.min(unflushedBytes, Math.max(LEAST_UNFLUSHED_BYTES, unflushedBytes / connections)),
                attempts);
    }

    /** Direct memory that a connection has at most: copies of writes that are under way, and of those that are kept. */
    public long connectionBytes() {
        return (long) inFlightBytes + unflushedBytes;
    }

    long patienceNanos() {
        return patienceMillis == 0 ? FOR_EVER_NANOS : patienceMillis * 1_000_000;
    }

    long silenceNanos() {
        return silenceMillis * 1_000_000;
    }
}

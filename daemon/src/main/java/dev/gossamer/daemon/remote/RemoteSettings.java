package dev.gossamer.daemon.remote;

/**
 * The bounds of an {@link NbdClientDevice}.
 *
 * @param patienceMillis from submission, a request may take so long, lost connections and all; then it ends with EIO.
 *     Attempts to reconnect end as long after the last request, and begin again with the next one
 * @param firstRetryMillis pause after the first failed attempt to reconnect; each further one is twice as long
 * @param lastRetryMillis the longest such pause
 * @param handshakeMillis for connecting and negotiating, once
 * @param inFlightLimit commands sent and not answered, per connection
 * @param inFlightBytes data in such commands, per connection; at least one command is always sent
 * @param unflushedBytes answered writes that are kept per connection until a FLUSH covers them. At half of it the
 *     device flushes by itself; at the limit, writes wait
 * @param attempts how often one command is sent, so that one that kills its server does not do so for ever
 */
public record RemoteSettings(
        long patienceMillis,
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
            new RemoteSettings(30_000, 100, 5_000, 10_000, 128, 32 << 20, 64 << 20, 5);

    long patienceNanos() {
        return patienceMillis * 1_000_000;
    }
}

package dev.gossamer.daemon.server.connection;

/**
 * What one connection may hold before the server stops reading from it (T53, T54).
 *
 * @param requests commands in flight; the kernel's client has at most 128 per connection
 * @param payloadBytes memory held for data: of writes until they are done, of reads until they are sent
 * @param unsentBytes replies waiting to be sent, beyond which no further command is taken
 * @param stallMillis a peer that takes no reply, or completes no write it began, for this long is dropped
 * @param pressedStallMillis likewise, if it holds memory and others have none to go on with
 */
public record ConnectionLimits(
        int requests, long payloadBytes, int unsentBytes, long stallMillis, long pressedStallMillis) {
    /**
     * 256 requests are twice what the kernel's client sends. 64 MiB hold two requests of the largest size, so that one
     * can be sent while the next is read. Unsent replies count as payload too; half of it is enough to keep a socket
     * busy. A minute is what a virtual machine may stand still; while its memory would let others go on, 5 s.
     */
    public static final ConnectionLimits DEFAULT = new ConnectionLimits(256, 64L << 20, 32 << 20, 60_000, 5_000);

    /** Where nobody has to make way sooner. */
    public ConnectionLimits(int requests, long payloadBytes, int unsentBytes, long stallMillis) {
        this(requests, payloadBytes, unsentBytes, stallMillis, stallMillis);
    }
}

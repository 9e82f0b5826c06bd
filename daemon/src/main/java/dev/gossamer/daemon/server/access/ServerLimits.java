package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.HandshakeLimits;

/**
 * How many clients a listener serves, and how long they may negotiate (H11, H13). A peer is an address, in IPv6
 * all that begin with the same 64 bits; the peers of a Unix socket are not told apart.
 *
 * @param connections open at the same time; a new one beyond it is closed at once
 * @param connectionsPerPeer likewise, of one peer
 * @param handshakes unfinished; beyond it the oldest is closed, so that idle connections cannot keep real clients out
 * @param handshakesPerPeer likewise, of one peer
 * @param handshakeSeconds to the next option, and a sixth of the time for all of them; 0 for no limit
 */
public record ServerLimits(
        int connections, int connectionsPerPeer, int handshakes, int handshakesPerPeer, int handshakeSeconds) {
    /**
     * A connection costs a descriptor and 120 KiB, 256 with TLS; 4000 of them, with the devices, stay below the 4096
     * descriptors that systems commonly allow. One peer can take a quarter. 1000 and 64 handshakes and 10 s are what
     * other servers have.
     */
    public static final ServerLimits DEFAULT = new ServerLimits(4000, 1000, 1000, 64, 10);

    /** Listing all exports takes many options. */
    private static final int OPTIONS_TIME_FACTOR = 6;

    public HandshakeLimits handshakeLimits() {
        long optionMillis = handshakeSeconds * 1000L;
        return new HandshakeLimits(optionMillis, OPTIONS_TIME_FACTOR * optionMillis);
    }
}

package dev.gossamer.nbd.handshake;

/**
 * How long a peer may take to negotiate (H11); 0 switches a clock off.
 *
 * @param optionTimeoutMs from accept, or from the last completed option, to the next completed option
 * @param handshakeTimeoutMs from accept to the transmission phase
 */
public record HandshakeLimits(long optionTimeoutMs, long handshakeTimeoutMs) {
    /**
     * 10 s is what other servers grant a whole handshake since CVE-2024-7409; 60 s leave room for clients that query
     * every export of a long list over one connection.
     */
    public static final HandshakeLimits DEFAULT = new HandshakeLimits(10_000, 60_000);

    public HandshakeLimits {
        if (optionTimeoutMs < 0 || handshakeTimeoutMs < 0) {
            throw new IllegalArgumentException("handshake timeouts must not be negative; 0 switches one off");
        }
    }
}

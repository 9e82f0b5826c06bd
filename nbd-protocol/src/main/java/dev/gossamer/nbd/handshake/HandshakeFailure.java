package dev.gossamer.nbd.handshake;

/** Why the server ended a handshake. */
public enum HandshakeFailure {
    /** It took too long (H11). */
    TIMED_OUT,
    /** The peer broke the protocol, or its bounds (H2, H6, H8, H12), or asked by EXPORT_NAME for what there is not. */
    VIOLATION,
    /** No certificate, a wrong one, or no common cipher (H39). */
    TLS_FAILED
}

package dev.gossamer.nbd.handshake;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslHandler;
import java.util.function.Function;

/**
 * Whether a listener speaks TLS; constant for a connection (1.5).
 *
 * @param handlers makes the TLS engine of one connection, ready for the handshake as server; null for {@link Mode#NONE}
 */
public record TlsOffer(Mode mode, Function<ByteBufAllocator, SslHandler> handlers) {
    /** How much of a negotiation is possible without TLS. */
    public enum Mode {
        /** STARTTLS is not supported. */
        NONE,
        /** Peers may use TLS; exports may be invisible without it. */
        OPTIONAL,
        /** Nothing but STARTTLS and ABORT is answered without TLS. */
        REQUIRED
    }

    public static final TlsOffer NONE = new TlsOffer(Mode.NONE, null);

    public TlsOffer {
        if ((mode == Mode.NONE) != (handlers == null)) {
            throw new IllegalArgumentException("TLS mode " + mode + (handlers == null ? " needs" : " takes no")
                    + " certificates; choose none, optional or required accordingly");
        }
    }
}

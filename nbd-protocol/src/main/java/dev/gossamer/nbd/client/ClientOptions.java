package dev.gossamer.nbd.client;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslHandler;
import java.util.List;
import java.util.function.Function;

/**
 * What a client wants from a server.
 *
 * @param exportName the export to enter; null asks for the list of exports instead
 * @param extendedHeaders asks for 64-bit headers first; a server without them is served with structured replies
 * @param contexts exact names of metadata contexts, at most 64; those the server does not know are left out
 * @param tls makes a TLS engine that checks certificate and host name, as client; null stays in the clear. With TLS
 *     there is no way back (CVE-2019-14842).
 * @param timeoutMs for the whole handshake, at least 1
 */
public record ClientOptions(
        String exportName,
        boolean extendedHeaders,
        List<String> contexts,
        Function<ByteBufAllocator, SslHandler> tls,
        long timeoutMs) {
    static final int CONTEXT_LIMIT = 64;

    public ClientOptions {
        contexts = List.copyOf(contexts);
        if (contexts.size() > CONTEXT_LIMIT) {
            throw new IllegalArgumentException("at most 64 metadata contexts can be selected at once");
        }
        if (timeoutMs < 1) {
            throw new IllegalArgumentException("handshake timeout must be at least 1 ms");
        }
    }

    boolean lists() {
        return exportName == null;
    }
}

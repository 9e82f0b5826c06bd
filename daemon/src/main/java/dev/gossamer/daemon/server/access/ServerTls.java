package dev.gossamer.daemon.server.access;

import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.TlsOffer;
import dev.gossamer.nbd.tls.TlsContexts;
import io.netty.handler.ssl.SslContext;

/** TLS with certificates that can be exchanged while the server runs; connections keep those they began with (X6). */
public final class ServerTls {
    private final TlsSettings settings;
    // Read by event loops for each new TLS handshake.
    private volatile SslContext context;

    public ServerTls(TlsSettings settings) throws StorageException {
        this.settings = settings;
        this.context = load();
    }

    /** Reads the certificates; {@link #use} puts them in force. Null where TLS is off. */
    public SslContext load() throws StorageException {
        return settings.mode() == TlsOffer.Mode.NONE ? null : settings.load();
    }

    public void use(SslContext newContext) {
        context = newContext;
    }

    public TlsOffer offer() {
        return settings.mode() == TlsOffer.Mode.NONE
                ? TlsOffer.NONE
                : new TlsOffer(settings.mode(), allocator -> TlsContexts.serverHandler(context, allocator));
    }

    public boolean verifiesClients() {
        return settings.verifyClients();
    }
}

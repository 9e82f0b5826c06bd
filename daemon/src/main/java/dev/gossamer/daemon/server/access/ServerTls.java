package dev.gossamer.daemon.server.access;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.TlsOffer;
import dev.gossamer.nbd.tls.TlsContexts;
import io.netty.handler.ssl.SslContext;

/** TLS with certificates that can be exchanged while the server runs; connections keep those they began with (X6). */
public final class ServerTls {
    private final TlsSettings settings;
    // Read by event loops for each new TLS handshake.
    private volatile SslContext context;
    private boolean hadRevocationLists;

    public ServerTls(TlsSettings settings) throws StorageException {
        this.settings = settings;
        this.context = load();
    }

    /**
     * Reads the certificates; {@link #use} puts them in force. Null where TLS is off. Lists of revoked certificates
     * that were there once may not be missing: that would let in whom they name.
     */
    public synchronized SslContext load() throws StorageException {
        if (settings.mode() == TlsOffer.Mode.NONE) {
            return null;
        }
        boolean revoking = settings.hasRevocationLists();
        if (hadRevocationLists && !revoking) {
            throw new StorageException(
                    Errno.ENOENT,
                    settings.revocationLists()
                            + " is gone; what it revoked stays revoked. Put it back; or restart the daemon without it");
        }
        SslContext loaded = settings.load();
        hadRevocationLists |= revoking;
        return loaded;
    }

    public void use(SslContext newContext) {
        context = newContext;
    }

    public TlsOffer offer() {
        return settings.mode() == TlsOffer.Mode.NONE
                ? TlsOffer.NONE
                : new TlsOffer(settings.mode(), allocator -> TlsContexts.serverHandler(context, allocator));
    }

    public boolean isRequired() {
        return settings.mode() == TlsOffer.Mode.REQUIRED;
    }

    public boolean verifiesClients() {
        return settings.verifyClients();
    }
}

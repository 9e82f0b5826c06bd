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

    /**
     * Certificates that have been read and fit.
     *
     * @param context null where TLS is off
     * @param revoking lists of revoked certificates are among them
     */
    public record Loaded(SslContext context, boolean revoking) {}

    public ServerTls(TlsSettings settings) throws StorageException {
        this.settings = settings;
        use(load());
    }

    /**
     * Reads the certificates; {@link #use} puts them in force. Lists of revoked certificates that were in force once
     * may not be missing: that would let in whom they name.
     */
    public synchronized Loaded load() throws StorageException {
        if (settings.mode() == TlsOffer.Mode.NONE) {
            return new Loaded(null, false);
        }
        boolean revoking = settings.hasRevocationLists();
        if (hadRevocationLists && !revoking) {
            throw new StorageException(
                    Errno.ENOENT,
                    settings.revocationLists()
                            + " is gone; what it revoked stays revoked. Put it back; or restart the daemon without it");
        }
        return new Loaded(settings.load(revoking), revoking);
    }

    public synchronized void use(Loaded loaded) {
        hadRevocationLists |= loaded.revoking();
        context = loaded.context();
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

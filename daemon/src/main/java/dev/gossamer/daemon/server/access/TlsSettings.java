package dev.gossamer.daemon.server.access;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.TlsOffer;
import dev.gossamer.nbd.tls.TlsContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.GeneralSecurityException;

/**
 * Whether and how clients may encrypt (NBD 1.5, X6). The directory has the layout of nbdkit and qemu:
 *
 * <pre>
 *  server-cert.pem   certificate chain of this server
 *  server-key.pem    its private key, without a password
 *  ca-cert.pem       who signs client certificates; needed only to verify clients
 *  ca-crl.pem        client certificates that are revoked; may be absent
 * </pre>
 *
 * @param mode whether TLS is offered, or nothing is served without it
 * @param directory null for {@link TlsOffer.Mode#NONE}
 * @param verifyClients clients must show a certificate signed by the CA
 */
public record TlsSettings(TlsOffer.Mode mode, Path directory, boolean verifyClients) {
    /** No TLS. */
    public static final TlsSettings OFF = new TlsSettings(TlsOffer.Mode.NONE, null, false);

    /** The same, its directory taken as one below or beside this one unless it is absolute. */
    public TlsSettings in(Path base) {
        return directory == null ? this : new TlsSettings(mode, base.resolve(directory), verifyClients);
    }

    /**
     * Reads the certificates; throws with the file's name if one is missing or does not fit. Not for mode NONE.
     *
     * @param revoking whether clients are checked against the lists, which are there then: they were a moment ago
     */
    SslContext load(boolean revoking) throws StorageException {
        Path certificate = file("server-cert.pem");
        Path key = file("server-key.pem");
        Path ca = verifyClients ? file("ca-cert.pem") : null;
        try {
            SslContextBuilder builder = TlsContexts.server(certificate, key);
            if (ca != null) {
                builder.trustManager(ClientVerifier.read(ca, revoking ? revocationLists() : null))
                        .clientAuth(ClientAuth.REQUIRE);
            }
            return builder.build();
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            throw new StorageException(
                    Errno.EINVAL, directory + ": the certificates cannot be used: " + Reason.of(e), e);
        }
    }

    /** Whether there are lists of revoked certificates, be they good or not, that clients are checked against. */
    boolean hasRevocationLists() {
        return verifyClients && Files.exists(revocationLists(), LinkOption.NOFOLLOW_LINKS);
    }

    Path revocationLists() {
        return directory.resolve("ca-crl.pem");
    }

    private Path file(String name) throws StorageException {
        Path file = directory.resolve(name);
        if (!Files.isReadable(file)) {
            throw new StorageException(Errno.ENOENT, file + ": not there or not readable; --tls needs it");
        }
        return file;
    }
}

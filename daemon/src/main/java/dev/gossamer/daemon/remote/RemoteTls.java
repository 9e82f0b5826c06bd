package dev.gossamer.daemon.remote;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.tls.TlsContexts;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;

/**
 * The client's TLS settings, from the parameters of an {@code nbds} URI (C4). {@code tls-certificates} names a
 * directory with the layout of nbdkit and libnbd:
 *
 * <pre>
 *  ca-cert.pem                       who signs servers; without the directory, the authorities that Java trusts
 *  client-cert.pem, client-key.pem   shown to servers that ask, if both are there; the key has no password
 * </pre>
 *
 * <p>The server's certificate must name the host of the URI, or {@code tls-hostname}; over Unix sockets, where there is
 * no host, {@code localhost} unless told otherwise, as libnbd has it.
 */
final class RemoteTls {
    private static final String UNIX_HOST = "localhost";

    private RemoteTls() {}

    /** Null for a URI without TLS. Throws with the file's name if a certificate is missing or unusable. */
    static Function<ByteBufAllocator, SslHandler> of(NbdUri uri) throws StorageException {
        if (!uri.tls()) {
            return null;
        }
        Map<String, String> parameters = uri.parameters();
        refuseSharedKeys(uri, parameters);
        SslContext context = context(uri, parameters);
        String host = uri.transport() == NbdUri.Transport.UNIX ? UNIX_HOST : uri.host();
        String expected = parameters.getOrDefault("tls-hostname", host);
        return allocator -> TlsContexts.clientHandler(context, allocator, expected, (int) uri.port());
    }

    private static void refuseSharedKeys(NbdUri uri, Map<String, String> parameters) throws StorageException {
        boolean certificates = parameters.getOrDefault("tls-type", "x509").equals("x509")
                && uri.user().isEmpty()
                && !parameters.containsKey("tls-psk-file")
                && !parameters.containsKey("tls-username");
        if (!certificates) {
            throw new StorageException(
                    Errno.EOPNOTSUPP,
                    uri + ": TLS works with certificates only, not with pre-shared keys or without identity; use"
                            + " tls-certificates=DIRECTORY");
        }
    }

    private static SslContext context(NbdUri uri, Map<String, String> parameters) throws StorageException {
        boolean verify = parameters.getOrDefault("tls-verify-peer", "true").matches("true|1");
        String directory = parameters.get("tls-certificates");
        try {
            SslContextBuilder builder = TlsContexts.client();
            builder.endpointIdentificationAlgorithm(verify ? "HTTPS" : "");
            if (!verify) {
                builder.trustManager(InsecureTrustManagerFactory.INSTANCE);
            } else if (directory != null) {
                builder.trustManager(TlsContexts.certificates(readable(uri, Path.of(directory, "ca-cert.pem"))));
            }
            if (directory != null) {
                Path certificate = Path.of(directory, "client-cert.pem");
                if (Files.exists(certificate)) {
                    Path key = readable(uri, Path.of(directory, "client-key.pem"));
                    TlsContexts.showing(builder, readable(uri, certificate), key);
                }
            }
            return builder.build();
        } catch (StorageException e) {
            throw e;
        } catch (IOException | IllegalArgumentException e) {
            throw new StorageException(Errno.EINVAL, uri + ": the certificates cannot be used: " + Reason.of(e), e);
        }
    }

    private static Path readable(NbdUri uri, Path file) throws StorageException {
        if (!Files.isReadable(file)) {
            throw new StorageException(
                    Errno.ENOENT, uri + ": " + file + " is not there or not readable; tls-certificates needs it");
        }
        return file;
    }
}

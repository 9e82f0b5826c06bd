package dev.gossamer.nbd.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * What all TLS here has in common (NBD section 1.5): TLS 1.2 and 1.3 of the JDK, no renegotiation, and handshakes that
 * compute on threads of their own.
 */
public final class TlsContexts {
    private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

    /**
     * Signatures and key exchanges take milliseconds each, which would be milliseconds for everybody on the I/O loop.
     * Two threads, so that a flood of handshakes leaves most processors to I/O; they end when nothing is to do. A
     * connection has at most one task in the queue, so the limits of unfinished handshakes (H13) bound it.
     */
    private static final Executor HANDSHAKES = handshakeThreads();

    static {
        // A client that starts a handshake over and over makes us compute for nothing, and in TLS 1.2 it may: the JDK
        // allows it unless told before its first handshake. TLS 1.3 has no renegotiation.
        System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
    }

    private TlsContexts() {}

    private static Executor handshakeThreads() {
        ThreadPoolExecutor threads = new ThreadPoolExecutor(
                2,
                2,
                10,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("gossamer-tls-", 0).factory());
        threads.allowCoreThreadTimeOut(true);
        return threads;
    }

    /**
     * For a server with this certificate chain and key, both in PEM form.
     *
     * @throws IOException in one line that names the file and the way out
     */
    public static SslContextBuilder server(Path certificates, Path key) throws IOException {
        X509Certificate[] chain = PemFile.read(certificates).certificates();
        PrivateKey privateKey = matching(chain[0], certificates, key);
        return SslContextBuilder.forServer(privateKey, chain)
                .sslProvider(SslProvider.JDK)
                .protocols(PROTOCOLS);
    }

    /** For a client that shows no certificate, unless {@link #showing} adds one. */
    public static SslContextBuilder client() {
        return SslContextBuilder.forClient().sslProvider(SslProvider.JDK).protocols(PROTOCOLS);
    }

    /**
     * Lets a client show this certificate chain.
     *
     * @throws IOException in one line that names the file and the way out
     */
    public static void showing(SslContextBuilder client, Path certificates, Path key) throws IOException {
        X509Certificate[] chain = PemFile.read(certificates).certificates();
        client.keyManager(matching(chain[0], certificates, key), chain);
    }

    /**
     * The certificates of a file, at least one.
     *
     * @throws IOException in one line that names the file and the way out
     */
    public static X509Certificate[] certificates(Path file) throws IOException {
        return PemFile.read(file).certificates();
    }

    /** The engine of one server connection. */
    public static SslHandler serverHandler(SslContext context, ByteBufAllocator allocator) {
        return context.newHandler(allocator, HANDSHAKES);
    }

    /** The engine of one client connection to a server whose certificate must be for this host, if it is verified. */
    public static SslHandler clientHandler(SslContext context, ByteBufAllocator allocator, String host, int port) {
        return context.newHandler(allocator, host, port, HANDSHAKES);
    }

    private static PrivateKey matching(X509Certificate certificate, Path certificateFile, Path keyFile)
            throws IOException {
        PrivateKey key = PemFile.read(keyFile).privateKey();
        PublicKey publicKey = certificate.getPublicKey();
        boolean matches;
        try {
            Signature signature = Signature.getInstance(
                    switch (key.getAlgorithm()) {
                        case "RSA" -> "SHA256withRSA";
                        case "EC" -> "SHA256withECDSA";
                        default -> key.getAlgorithm();
                    });
            signature.initSign(key);
            byte[] signed = signature.sign();
            signature.initVerify(publicKey);
            matches = signature.verify(signed);
        } catch (GeneralSecurityException e) {
            matches = false;
        }
        if (!matches) {
            throw new IOException(
                    keyFile + " is not the key of " + certificateFile + "; use the pair that was made together");
        }
        return key;
    }
}

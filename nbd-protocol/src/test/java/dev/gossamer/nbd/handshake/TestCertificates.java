package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.tls.TlsContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;

/** Self-signed certificates of a few days, made by the JDK's own tool. */
public final class TestCertificates {
    private static final char[] PASSWORD = "changeit".toCharArray();

    private final KeyStore store;

    /** @param commonName subject, and DNS name */
    public TestCertificates(Path directory, String commonName) throws Exception {
        Path file = directory.resolve(commonName + ".p12");
        Path keytool = Path.of(System.getProperty("java.home"), "bin", "keytool");
        int exit = new ProcessBuilder(
                        keytool.toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-alias",
                        "key",
                        "-validity",
                        "2",
                        "-dname",
                        "CN=" + commonName,
                        "-ext",
                        "san=dns:" + commonName,
                        "-keystore",
                        file.toString(),
                        "-storepass",
                        new String(PASSWORD))
                .inheritIO()
                .start()
                .waitFor();
        if (exit != 0) {
            throw new AssertionError("keytool failed with " + exit);
        }
        store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD);
        }
    }

    /**
     * A server's settings.
     *
     * @param trusted whose client certificate is demanded; null asks for none
     */
    public SslContext server(TestCertificates trusted) throws Exception {
        SslContextBuilder builder = SslContextBuilder.forServer(keys()).sslProvider(SslProvider.JDK);
        if (trusted != null) {
            builder.trustManager(trusted.trust()).clientAuth(ClientAuth.REQUIRE);
        }
        return builder.build();
    }

    /**
     * Settings of a client that trusts this certificate.
     *
     * @param own shows this certificate; null shows none
     */
    public SslContext client(TestCertificates own) throws Exception {
        SslContextBuilder builder = TlsContexts.client().trustManager(trust());
        if (own != null) {
            builder.keyManager(own.keys());
        }
        return builder.build();
    }

    private KeyManagerFactory keys() throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD);
        return keys;
    }

    private TrustManagerFactory trust() throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", store.getCertificate("key"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        return trust;
    }
}

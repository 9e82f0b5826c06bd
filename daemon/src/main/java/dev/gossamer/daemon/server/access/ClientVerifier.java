package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.tls.TlsContexts;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CRL;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.EnumSet;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Accepts clients whose certificate was signed by one of the CAs in a file, and does not tell them the CAs' names when
 * it asks for the certificate: libnbd and qemu (GnuTLS) sent none when the names were told, and the right one when not.
 * Why they find no match was not traced.
 */
final class ClientVerifier extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager verifier;

    private ClientVerifier(X509ExtendedTrustManager verifier) {
        this.verifier = verifier;
    }

    /**
     * Reads the CA certificates of a PEM file. With a file of revocation lists, which may be null, no certificate is
     * accepted that one of them names, nor one of an issuer without a list, nor any once its issuer's list has expired.
     */
    static ClientVerifier read(Path caFile, Path crlFile) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        for (Certificate ca : TlsContexts.certificates(caFile)) {
            store.setCertificateEntry("ca" + store.size(), ca);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        if (crlFile != null) {
            PKIXBuilderParameters parameters = new PKIXBuilderParameters(store, new X509CertSelector());
            parameters.addCertStore(revocationLists(crlFile));
            // Only the lists that are here: asking the network would let an attacker delay or decide the answer.
            PKIXRevocationChecker checker =
                    (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
            checker.setOptions(
                    EnumSet.of(PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK));
            parameters.addCertPathChecker(checker);
            factory.init(new CertPathTrustManagerParameters(parameters));
        } else {
            factory.init(store);
        }
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509ExtendedTrustManager verifier) {
                return new ClientVerifier(verifier);
            }
        }
        throw new CertificateException("this Java cannot verify certificates");
    }

    private static CertStore revocationLists(Path crlFile) throws IOException, GeneralSecurityException {
        try (InputStream in = Files.newInputStream(crlFile)) {
            Collection<? extends CRL> lists =
                    CertificateFactory.getInstance("X.509").generateCRLs(in);
            if (lists.isEmpty()) {
                throw new CertificateException(crlFile + " holds no list of revoked certificates");
            }
            return CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists));
        }
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        verifier.checkClientTrusted(chain, authType);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        verifier.checkClientTrusted(chain, authType, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        verifier.checkClientTrusted(chain, authType, engine);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        verifier.checkServerTrusted(chain, authType);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        verifier.checkServerTrusted(chain, authType, socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        verifier.checkServerTrusted(chain, authType, engine);
    }
}

package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.handshake.Peer;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import org.junit.jupiter.api.Test;

/** Which names a certificate has, for a rule. */
class PeerConditionTest {
    /** Its common name is DNS:trusted.example; alternatives are DNS:host.example and EMAIL:a@b.example. */
    private static final String CERTIFICATE =
            """
            -----BEGIN CERTIFICATE-----
            MIIBuTCCAV+gAwIBAgIUNWz5sHjmsn7mO701jKJpYgbuDTgwCgYIKoZIzj0EAwIw
            HjEcMBoGA1UEAwwTRE5TOnRydXN0ZWQuZXhhbXBsZTAgFw0yNjExMzAxMjA4NTFa
            GA8yMTI2MTEwNjEyMDg1MVowHjEcMBoGA1UEAwwTRE5TOnRydXN0ZWQuZXhhbXBs
            ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEOgEAub4YZKWI6LkYHn7uIO9GnN
            ipt0Vc25dn6ozZohhtoUiPAkjvXNDIUPSJ2V2mVLJiXhNVc1Bt9hsEzLTYSjeTB3
            MB0GA1UdDgQWBBS5/S5SL/dv/zfkpoY0ffff7nU34zAfBgNVHSMEGDAWgBS5/S5S
            L/dv/zfkpoY0ffff7nU34zAPBgNVHRMBAf8EBTADAQH/MCQGA1UdEQQdMBuCDGhv
            c3QuZXhhbXBsZYELYUBiLmV4YW1wbGUwCgYIKoZIzj0EAwIDSAAwRQIgMRX7IM4N
            NtpapYJdzrVSKSeO39nniF510RljrKjTGzsCIQC0DrCPgATlafHktIn03rLXSLyi
            1TY8KwvYiUokTH5q/w==
            -----END CERTIFICATE-----
            """;

    private final Peer peer;

    PeerConditionTest() throws CertificateException {
        X509Certificate certificate = (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(CERTIFICATE.getBytes(StandardCharsets.US_ASCII)));
        peer = new Peer(null, true, certificate, Peer.NO_USER);
    }

    private boolean fits(String name) {
        return new PeerCondition.Certificate(name).fits(peer);
    }

    @Test
    void alternativeNamesAreNamedWithTheirKind() {
        assertTrue(fits("DNS:host.example"));
        assertTrue(fits("EMAIL:a@b.example"));
        assertTrue(fits("*"));
        assertFalse(fits("host.example"));
        assertFalse(fits("EMAIL:host.example"));
        assertFalse(fits("URI:host.example"));
        assertFalse(fits("DNS:*"));
    }

    /** A CA that has looked at whose host it is may have let people choose the common name. */
    @Test
    void aCommonNameStandsForNoAlternativeOne() {
        assertFalse(fits("DNS:trusted.example"));
        assertFalse(fits("trusted.example"));
    }
}

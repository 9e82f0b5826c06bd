package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TLS over TCP as openssl and libnbd see it, and certificates that are renewed under open connections (H40, X6). */
@Timeout(300)
final class TlsClientsTest {
    /** The answer to ABORT: reply magic, option 2, type ACK, no data. */
    private static final String ABORT_ACKNOWLEDGED = "0003e889045565a9" + "00000002" + "00000001" + "00000000";

    @TempDir
    private Path scratch;

    private Path pki;

    @BeforeEach
    void makeCertificates() throws Exception {
        pki = Files.createDirectories(scratch.resolve("pki"));
        Pki.makeCa(pki, "test CA");
        Pki.makeCertificate(pki, pki, "server");
    }

    private Daemon serve(String... more) throws Exception {
        List<String> options = new ArrayList<>(
                List.of("--listen", "tcp:127.0.0.1:0", "--tls", "require", "--tls-certificates", pki.toString()));
        options.addAll(List.of(more));
        Daemon daemon = Daemon.create(scratch).start(options.toArray(String[]::new));
        daemon.createVolume("vol", "16M");
        return daemon;
    }

    /** openssl knows nothing of NBD: it gets a socket on which STARTTLS is acknowledged already, and says ABORT. */
    private Tool.Result openssl(Daemon daemon, String... options) throws Exception {
        Thread carrier;
        Tool.Result result;
        try (ServerSocket relay = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket server = StartTls.plainPart(daemon.tcpPort())) {
            carrier = Thread.ofVirtual().start(() -> carry(relay, server));
            result = Tool.run(
                    "bash",
                    "-c",
                    "set -o pipefail; printf 'IHAVEOPT\\0\\0\\0\\2\\0\\0\\0\\0' | openssl s_client -brief -ign_eof"
                            + " -connect 127.0.0.1:" + relay.getLocalPort() + " " + String.join(" ", options)
                            + " | od -An -v -tx1 | tr -d ' \\n'");
        }
        carrier.join();
        return result;
    }

    private static void carry(ServerSocket relay, Socket server) {
        try (Socket client = relay.accept()) {
            Thread back = Thread.ofVirtual().start(() -> copy(server, client));
            copy(client, server);
            back.join();
        } catch (IOException closed) {
            // The test is over before anybody came.
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void copy(Socket from, Socket to) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            in.transferTo(out);
            to.shutdownOutput();
        } catch (IOException gone) {
            // One side has closed; the other one shall notice.
            try {
                to.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"-tls1_3, TLSv1.3", "-tls1_2, TLSv1.2"})
    void opensslVerifiesTheChainAndTheNameInBothVersionsH40(String option, String version) throws Exception {
        try (Daemon daemon = serve()) {
            String authority = pki.resolve("ca-cert.pem").toString();
            Tool.Result result = openssl(
                    daemon, option, "-CAfile", authority, "-verify_return_error", "-verify_hostname", "localhost");
            assertEquals(0, result.status(), result::toString);
            assertTrue(result.err().contains("Verification: OK"), result::toString);
            assertTrue(result.err().contains("Verified peername: localhost"), result::toString);
            assertTrue(result.err().contains("Protocol version: " + version), result::toString);
            assertEquals(ABORT_ACKNOWLEDGED, result.out(), "NBD goes on inside");
            daemon.stopAndCheck();
        }
    }

    @Test
    void opensslRefusesAStrangersAuthorityAndOldVersionsAreRefusedH40() throws Exception {
        Path other = Files.createDirectories(scratch.resolve("other"));
        Pki.makeCa(other, "other CA");
        try (Daemon daemon = serve()) {
            String authority = pki.resolve("ca-cert.pem").toString();
            String stranger = other.resolve("ca-cert.pem").toString();
            assertRefused(openssl(daemon, "-CAfile", stranger, "-verify_return_error"));
            assertRefused(
                    openssl(daemon, "-CAfile", authority, "-verify_return_error", "-verify_hostname", "elsewhere"));
            assertRefused(openssl(daemon, "-CAfile", authority, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"));
            daemon.stopAndCheck();
        }
    }

    @Test
    void opensslNeedsACertificateWhereOneIsRequired() throws Exception {
        Pki.makeCertificate(pki, pki, "client");
        try (Daemon daemon = serve("--tls-verify-client")) {
            assertRefused(openssl(daemon, "-tls1_3"));
            assertRefused(openssl(daemon, "-tls1_2"));
            Tool.Result served = openssl(
                    daemon,
                    "-cert",
                    pki.resolve("client-cert.pem").toString(),
                    "-key",
                    pki.resolve("client-key.pem").toString());
            assertEquals(ABORT_ACKNOWLEDGED, served.out(), served::toString);
            daemon.stopAndCheck();
        }
    }

    private static void assertRefused(Tool.Result result) {
        assertNotEquals(0, result.status(), result::toString);
        assertEquals("", result.out(), result::toString);
    }

    @Test
    void libnbdConnectsOverTcpAndRefusesAWrongHostName() throws Exception {
        try (Daemon daemon = serve()) {
            String where = ":" + daemon.tcpPort() + "/vol?tls-certificates=" + pki;
            assertEquals(
                    "16777216",
                    Tool.succeed("nbdinfo", "--size", "nbds://localhost" + where)
                            .out()
                            .strip());
            Tool.Result info = Tool.succeed("nbdinfo", "nbds://localhost" + where);
            assertTrue(info.out().contains("with TLS") || info.out().contains("using TLS"), info::toString);
            Tool.Result refused = Tool.run("nbdinfo", "--size", "nbds://127.0.0.1" + where);
            assertNotEquals(0, refused.status(), refused::toString);
            assertTrue(refused.err().contains("certificate"), refused::toString);
            daemon.stopAndCheck();
        }
    }

    /** X6, X10: whoever is connected stays with the old certificate, whoever comes sees the new one. */
    @Test
    void aRenewedCertificateIsUsedFromAReloadOn() throws Exception {
        Path authority = pki.resolve("ca-cert.pem");
        try (Daemon daemon = serve();
                StartTls early = StartTls.open(daemon.tcpPort(), authority, "vol")) {
            byte[] zeroes = new byte[4096];
            assertArrayEquals(zeroes, early.read(0, 4096));
            Pki.makeCertificate(pki, pki, "server");
            Daemon.gossamer("reload", "-p", daemon.directory().toString()).expectStatus(0);
            assertArrayEquals(zeroes, early.read(4096, 4096), "goes on");
            try (StartTls late = StartTls.open(daemon.tcpPort(), authority, "vol")) {
                assertNotEquals(
                        early.serverCertificate().getSerialNumber(),
                        late.serverCertificate().getSerialNumber());
                assertArrayEquals(zeroes, late.read(0, 4096));

                Files.writeString(pki.resolve("server-cert.pem"), "no certificate\n");
                Tool.Result refused =
                        Daemon.gossamer("reload", "-p", daemon.directory().toString());
                refused.expectRefused();
                assertEquals(1, refused.errorLines().size(), refused::toString);
                assertTrue(refused.err().contains("certificates cannot be used"), refused::toString);
                try (StartTls last = StartTls.open(daemon.tcpPort(), authority, "vol")) {
                    assertEquals(late.serverCertificate(), last.serverCertificate(), "a wrong file changes nothing");
                }
            }
            assertArrayEquals(zeroes, early.read(8192, 4096), "still goes on");
            assertFalse(daemon.logText().contains("ERROR"), daemon::logText);
            daemon.stop();
        }
    }
}

package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Encrypted connections of real clients, with certificates made here (NBD 1.5; A31 to A33). */
final class TlsTest {
    @TempDir
    private Path scratch;

    private Path server;
    private Path client;
    private Path stranger;

    @BeforeEach
    void makeCertificates() throws Exception {
        server = directory("server");
        client = directory("client");
        stranger = directory("stranger");
        Path otherCa = directory("other-ca");
        Pki.makeCa(server, "test CA");
        Pki.makeCa(otherCa, "other CA");
        Pki.makeCertificate(server, server, "server");
        Pki.makeCertificate(server, client, "client");
        Files.copy(server.resolve("ca-cert.pem"), client.resolve("ca-cert.pem"));
        Pki.makeCertificate(otherCa, stranger, "client");
        Files.copy(server.resolve("ca-cert.pem"), stranger.resolve("ca-cert.pem"));
    }

    @Test
    void requiredTlsRefusesPlainClientsAndServesEncryptedOnes() throws Exception {
        Path image = scratch.resolve("image");
        Path copy = scratch.resolve("copy");
        RandomImage.write(image, 16, 3);
        try (Daemon daemon = Daemon.create(scratch).start(tls("require"))) {
            assertEquals(
                    0,
                    Daemon.gossamer(
                                    "volume",
                                    "create",
                                    "-p",
                                    scratch.resolve("pool").toString(),
                                    "vol",
                                    "--size",
                                    "16M")
                            .status());
            assertTrue(
                    Tool.run("nbdinfo", "--size", plain(daemon)).err().contains("requires TLS"),
                    "a plain client is told what is missing");
            Tool.succeed("nbdcopy", "--flush", image.toString(), encrypted(daemon, client));
            Tool.succeed("nbdcopy", encrypted(daemon, client), copy.toString());
            assertEquals(-1, Files.mismatch(image, copy));
            Tool.succeed("nbdinfo", "--map", encrypted(daemon, client));
            Tool.succeed(
                    "qemu-img",
                    "compare",
                    "--object",
                    "tls-creds-x509,id=c,endpoint=client,dir=" + client,
                    "--image-opts",
                    "driver=nbd,server.type=unix,server.path=" + daemon.socket()
                            + ",export=vol,tls-creds=c,tls-hostname=localhost",
                    "driver=file,filename=" + image);
            daemon.stopAndCheck();
        }
    }

    @Test
    void onlyClientsOfTheRightAuthorityGetInWhereThatIsAsked() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start(tls("require", "--tls-verify-client"))) {
            Daemon.gossamer("volume", "create", "-p", scratch.resolve("pool").toString(), "vol", "--size", "16M")
                    .expectStatus(0);
            Tool.succeed("nbdinfo", "--size", encrypted(daemon, client));
            assertNotEquals(
                    0,
                    Tool.run("nbdinfo", "--size", encrypted(daemon, stranger)).status());
            Path nobody = directory("nobody");
            Files.copy(server.resolve("ca-cert.pem"), nobody.resolve("ca-cert.pem"));
            assertNotEquals(
                    0, Tool.run("nbdinfo", "--size", encrypted(daemon, nobody)).status());
            Tool.succeed("nbdinfo", "--size", encrypted(daemon, client));
            daemon.stopAndCheck();
        }
    }

    @Test
    void offeredTlsLeavesTheChoiceToTheClient() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start(tls("offer"))) {
            Daemon.gossamer("volume", "create", "-p", scratch.resolve("pool").toString(), "vol", "--size", "16M")
                    .expectStatus(0);
            Tool.succeed("nbdinfo", "--size", plain(daemon));
            Tool.succeed("nbdinfo", "--size", encrypted(daemon, client));
            daemon.stopAndCheck();
        }
    }

    @Test
    void missingCertificatesAreNamedBeforeAnythingIsServed() throws Exception {
        Daemon.create(scratch).close();
        Tool.Result refused = Daemon.gossamer(
                "serve", scratch.resolve("pool").toString(), "--tls", "require", "--tls-certificates", "/no/such/dir");
        refused.expectRefused();
        assertEquals(1, refused.errorLines().size(), refused::toString);
        assertTrue(refused.err().contains("/no/such/dir/server-cert.pem"), refused::toString);
        assertEquals(
                2,
                Daemon.gossamer("serve", scratch.resolve("pool").toString(), "--tls", "require")
                        .status());
    }

    private String[] tls(String mode, String... more) {
        String[] options = new String[4 + more.length];
        options[0] = "--tls";
        options[1] = mode;
        options[2] = "--tls-certificates";
        options[3] = server.toString();
        System.arraycopy(more, 0, options, 4, more.length);
        return options;
    }

    private static String plain(Daemon daemon) {
        return "nbd+unix:///vol?socket=" + daemon.socket();
    }

    private static String encrypted(Daemon daemon, Path certificates) {
        return "nbds+unix:///vol?socket=" + daemon.socket() + "&tls-hostname=localhost&tls-certificates="
                + certificates;
    }

    private Path directory(String name) throws Exception {
        return Files.createDirectories(scratch.resolve(name));
    }
}

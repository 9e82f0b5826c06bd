package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.TlsOffer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Revocation is not undone by a file that is gone, or says nothing. */
class ServerTlsTest {
    private static final String PASSWORD = "only for tests";

    @TempDir
    private Path directory;

    private Path lists;

    @BeforeEach
    void makeCertificates() throws Exception {
        lists = directory.resolve("ca-crl.pem");
        keytool("-genkeypair", "-keyalg", "EC", "-validity", "2", "-dname", "CN=test", "-ext", "bc:c");
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(directory.resolve("keys.p12"))) {
            store.load(in, PASSWORD.toCharArray());
        }
        String certificate = pem("CERTIFICATE", store.getCertificate("key").getEncoded());
        Files.writeString(directory.resolve("server-cert.pem"), certificate);
        Files.writeString(directory.resolve("ca-cert.pem"), certificate);
        Files.writeString(
                directory.resolve("server-key.pem"),
                pem("PRIVATE KEY", store.getKey("key", PASSWORD.toCharArray()).getEncoded()));
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes) + "\n-----END " + what + "-----\n";
    }

    private void makeList() throws Exception {
        keytool("-gencrl", "-rfc", "-id", "17", "-file", lists.toString());
    }

    private void keytool(String command, String... options) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), command));
        line.addAll(List.of("-alias", "key", "-storepass", PASSWORD));
        line.addAll(List.of("-keystore", directory.resolve("keys.p12").toString()));
        line.addAll(List.of(options));
        assertEquals(0, new ProcessBuilder(line).inheritIO().start().waitFor(), command);
    }

    private ServerTls tls() throws StorageException {
        return new ServerTls(new TlsSettings(TlsOffer.Mode.REQUIRED, directory, true));
    }

    @Test
    void listsThatWereThereMayNotVanish() throws Exception {
        ServerTls tls = tls();
        assertNotNull(tls.load(), "no list is fine where there was none");
        makeList();
        assertNotNull(tls.load());
        Files.delete(lists);
        StorageException refused = assertThrows(StorageException.class, tls::load);
        assertTrue(refused.getMessage().startsWith(lists + " is gone"), refused.getMessage());
        makeList();
        assertNotNull(tls.load(), "put back");
    }

    @Test
    void anEmptyListAndALinkToNothingAreRefused() throws Exception {
        Files.writeString(lists, "");
        StorageException empty = assertThrows(StorageException.class, this::tls);
        assertTrue(empty.getMessage().contains("no list of revoked certificates"), empty.getMessage());
        Files.delete(lists);
        Files.createSymbolicLink(lists, directory.resolve("gone"));
        StorageException dangling = assertThrows(StorageException.class, this::tls);
        assertTrue(dangling.getMessage().startsWith(directory.toString()), dangling.getMessage());
        assertEquals(1, dangling.getMessage().lines().count(), dangling.getMessage());
    }
}

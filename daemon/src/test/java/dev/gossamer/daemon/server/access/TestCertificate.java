package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** A certificate that signs itself, in the files that {@link TlsSettings} reads, and what keytool makes of its key. */
public final class TestCertificate {
    private static final String PASSWORD = "only for tests";

    private final Path directory;

    private TestCertificate(Path directory) {
        this.directory = directory;
    }

    /** Makes the files of a server, and those that verify clients. */
    public static TestCertificate in(Path directory) throws Exception {
        TestCertificate made = new TestCertificate(directory);
        made.keytool("-genkeypair", "-keyalg", "EC", "-validity", "2", "-dname", "CN=test", "-ext", "bc:c");
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
        return made;
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes) + "\n-----END " + what + "-----\n";
    }

    void keytool(String command, String... options) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), command));
        line.addAll(List.of("-alias", "key", "-storepass", PASSWORD));
        line.addAll(List.of("-keystore", directory.resolve("keys.p12").toString()));
        line.addAll(List.of(options));
        assertEquals(0, new ProcessBuilder(line).inheritIO().start().waitFor(), command);
    }
}

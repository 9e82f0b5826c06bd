package dev.gossamer.nbd.tls;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every encoding of a key that openssl and certtool write is read; what is refused is refused in one line with a way
 * out.
 */
class PemFileTest {
    @TempDir
    private Path directory;

    private Path file(String name) {
        return directory.resolve(name);
    }

    private byte[] key(String name) throws IOException {
        return PemFile.read(file(name)).privateKey().getEncoded();
    }

    @ParameterizedTest
    @CsvSource({"rsa:2048, RSA PRIVATE KEY", "rsa:3072, RSA PRIVATE KEY"})
    void pkcs1IsTheSameKey(String algorithm, String label) throws Exception {
        OpenSsl.makeCertificate(directory, "a", "-newkey", algorithm);
        OpenSsl.run(directory, "rsa", "-traditional", "-in", "a-key.pem", "-out", "old.pem");
        assertTrue(Files.readString(file("old.pem")).contains(label));
        assertArrayEquals(key("a-key.pem"), key("old.pem"));
        TlsContexts.server(file("a-cert.pem"), file("old.pem")).build();
    }

    @ParameterizedTest
    @CsvSource({"prime256v1", "secp384r1", "secp521r1"})
    void sec1IsAcceptedWithItsParametersBefore(String curve) throws Exception {
        OpenSsl.run(directory, "ecparam", "-name", curve, "-genkey", "-out", "ec.pem");
        assertTrue(Files.readString(file("ec.pem")).contains("BEGIN EC PRIVATE KEY"));
        OpenSsl.run(directory, "req", "-x509", "-key", "ec.pem", "-days", "2", "-subj", "/CN=a", "-out", "cert.pem");
        TlsContexts.server(file("cert.pem"), file("ec.pem")).build();
    }

    @Test
    void textAroundTheBlocksIsComment() throws Exception {
        OpenSsl.makeCertificate(directory, "a", "-newkey", "ed25519");
        String comment = "Public Key Info:\n\tPublic Key Algorithm: EdDSA (Ed25519)\n\n";
        Files.writeString(file("k"), comment + Files.readString(file("a-key.pem")));
        Files.writeString(file("c"), comment + Files.readString(file("a-cert.pem")));
        Files.writeString(file("chain"), (comment + Files.readString(file("a-cert.pem"))).repeat(2));
        assertEquals(2, PemFile.read(file("chain")).certificates().length);
        TlsContexts.server(file("c"), file("k")).build();
    }

    @Test
    void whatCannotBeUsedIsNamedWithTheWayOut() throws Exception {
        OpenSsl.makeCertificate(directory, "a", "-newkey", "rsa:2048");
        OpenSsl.makeCertificate(directory, "b", "-newkey", "rsa:2048");
        OpenSsl.run(
                directory, "rsa", "-traditional", "-in", "a-key.pem", "-aes128", "-passout", "pass:x", "-out", "old");
        OpenSsl.run(directory, "pkcs8", "-topk8", "-in", "a-key.pem", "-passout", "pass:x", "-out", "new");
        Files.writeString(file("cut"), Files.readString(file("a-key.pem")).replaceFirst("MII.{20}", "MII"));
        assertRefused("a-cert.pem", "old", "the key has a password");
        assertRefused("a-cert.pem", "new", "the key has a password");
        assertRefused("a-cert.pem", "cut", "cannot be read");
        assertRefused("a-cert.pem", "a-cert.pem", "no private key in PEM form");
        assertRefused("a-key.pem", "a-key.pem", "no certificate in PEM form");
        assertRefused("a-cert.pem", "b-key.pem", "b-key.pem is not the key of");
    }

    private void assertRefused(String certificate, String key, String why) {
        IOException refusal = assertThrows(IOException.class, () -> TlsContexts.server(file(certificate), file(key)));
        assertTrue(refusal.getMessage().contains(why), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(directory.toString()), refusal.getMessage());
    }
}

package dev.gossamer.nbd.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Certificates and private keys in PEM form (RFC 7468). What stands around the blocks is comment, as certtool writes
 * it. Keys may be PKCS #8, PKCS #1 ({@code RSA PRIVATE KEY}) or SEC 1 ({@code EC PRIVATE KEY}), each without a
 * password. Every failure is one line that names the file and the way out.
 */
final class PemFile {
    /** A chain of certificates has some KiB; whatever is longer is another file. */
    private static final long LIMIT_BYTES = 1 << 20;

    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \\1-----", Pattern.DOTALL);
    private static final List<String> ALGORITHMS = List.of("RSA", "EC", "EdDSA");

    private final Path path;
    private final List<Block> blocks = new ArrayList<>();

    private record Block(String label, String text) {}

    private PemFile(Path path) {
        this.path = path;
    }

    static PemFile read(Path path) throws IOException {
        if (Files.size(path) > LIMIT_BYTES) {
            throw new IOException(path + " is too long for a key or certificates in PEM form; use another file");
        }
        PemFile file = new PemFile(path);
        Matcher blocks = BLOCK.matcher(new String(Files.readAllBytes(path), ISO_8859_1));
        while (blocks.find()) {
            file.blocks.add(new Block(blocks.group(1), blocks.group(2)));
        }
        return file;
    }

    /** All certificates, in the order of the file; at least one. */
    X509Certificate[] certificates() throws IOException {
        List<X509Certificate> certificates = new ArrayList<>();
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (Block block : blocks) {
                if (block.label.equals("CERTIFICATE")) {
                    certificates.add(
                            (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(decode(block))));
                }
            }
        } catch (CertificateException e) {
            throw new IOException(path + ": a certificate in it cannot be read; make it again", e);
        }
        if (certificates.isEmpty()) {
            throw new IOException(path + ": no certificate in PEM form (BEGIN CERTIFICATE) is in it; use another file");
        }
        return certificates.toArray(X509Certificate[]::new);
    }

    /** The first private key of the file. */
    PrivateKey privateKey() throws IOException {
        for (Block block : blocks) {
            switch (block.label) {
                case "ENCRYPTED PRIVATE KEY" -> throw encrypted();
                case "PRIVATE KEY" -> {
                    return key(decode(block));
                }
                case "RSA PRIVATE KEY" -> {
                    return key(Pkcs8.ofRsa(decode(block)));
                }
                case "EC PRIVATE KEY" -> {
                    return key(ec(decode(block)));
                }
                default -> {
                    // Parameters, certificates: not ours.
                }
            }
        }
        throw new IOException(path + ": no private key in PEM form (BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or"
                + " BEGIN EC PRIVATE KEY) is in it; use another file");
    }

    private byte[] ec(byte[] sec1) throws IOException {
        try {
            return Pkcs8.ofEc(sec1);
        } catch (IllegalArgumentException e) {
            throw new IOException(path + ": the EC key in it does not name its curve; " + conversion(), e);
        }
    }

    private PrivateKey key(byte[] pkcs8) throws IOException {
        GeneralSecurityException last = null;
        for (String algorithm : ALGORITHMS) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            } catch (GeneralSecurityException e) {
                last = e; // of another algorithm
            }
        }
        throw new IOException(
                path + ": the private key in it cannot be read; it must be an RSA, EC or Ed25519 key", last);
    }

    private byte[] decode(Block block) throws IOException {
        if (block.text.contains("ENCRYPTED")) {
            throw encrypted();
        }
        try {
            return Base64.getMimeDecoder().decode(block.text);
        } catch (IllegalArgumentException e) {
            throw new IOException(path + ": what stands between its BEGIN and END is not base 64; make it again", e);
        }
    }

    private IOException encrypted() {
        return new IOException(path + ": the key has a password; " + conversion());
    }

    private String conversion() {
        return "write it without by 'openssl pkey -in " + path + " -out NEW', and use that";
    }
}

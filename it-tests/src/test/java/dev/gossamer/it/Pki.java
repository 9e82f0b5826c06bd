package dev.gossamer.it;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Certificates for tests, made by openssl; a directory is a certificate authority, or somebody with a certificate. */
final class Pki {
    private Pki() {}

    /** The authority's list of revoked certificates, with these in it, as {@code ca-crl.pem} in its own directory. */
    static void revoke(Path ca, List<Path> certificates) throws Exception {
        Path config = writeConfig(ca);
        for (Path certificate : certificates) {
            Tool.succeed("openssl", "ca", "-config", config.toString(), "-revoke", certificate.toString());
        }
        Tool.succeed(
                "openssl",
                "ca",
                "-config",
                config.toString(),
                "-gencrl",
                "-out",
                ca.resolve("ca-crl.pem").toString());
    }

    /** Signs {@code name.csr} in {@code directory} anew, for a time that is over. */
    static void makeExpired(Path ca, Path directory, String name) throws Exception {
        Tool.succeed(
                "openssl",
                "ca",
                "-batch",
                "-config",
                writeConfig(ca).toString(),
                "-startdate",
                "20200101000000Z",
                "-enddate",
                "20210101000000Z",
                "-in",
                directory.resolve(name + ".csr").toString(),
                "-out",
                directory.resolve(name + "-cert.pem").toString());
    }

    /** What {@code openssl ca} wants to know: it keeps a small database of what it has signed. */
    private static Path writeConfig(Path ca) throws Exception {
        Path database = ca.resolve("index.txt");
        if (!Files.exists(database)) {
            Files.createFile(database);
        }
        return Files.writeString(
                ca.resolve("ca.conf"),
                """
                [ca]
                default_ca = test
                [test]
                database = %1$s/index.txt
                new_certs_dir = %1$s
                certificate = %1$s/ca-cert.pem
                private_key = %1$s/ca-key.pem
                rand_serial = yes
                default_md = sha256
                default_crl_days = 2
                policy = anything
                copy_extensions = copyall
                unique_subject = no
                [anything]
                commonName = supplied
                """
                        .formatted(ca));
    }

    static void makeCa(Path directory, String name) throws Exception {
        Tool.succeed(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=" + name,
                "-keyout",
                directory.resolve("ca-key.pem").toString(),
                "-out",
                directory.resolve("ca-cert.pem").toString());
    }

    static void makeCertificate(Path ca, Path directory, String name) throws Exception {
        Path request = directory.resolve(name + ".csr");
        Tool.succeed(
                "openssl",
                "req",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=" + name,
                "-addext",
                "subjectAltName=DNS:localhost",
                "-keyout",
                directory.resolve(name + "-key.pem").toString(),
                "-out",
                request.toString());
        Tool.succeed(
                "openssl",
                "x509",
                "-req",
                "-in",
                request.toString(),
                "-CA",
                ca.resolve("ca-cert.pem").toString(),
                "-CAkey",
                ca.resolve("ca-key.pem").toString(),
                "-CAcreateserial",
                "-days",
                "2",
                "-copy_extensions",
                "copyall",
                "-out",
                directory.resolve(name + "-cert.pem").toString());
    }
}

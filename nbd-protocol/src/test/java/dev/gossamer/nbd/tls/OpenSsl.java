package dev.gossamer.nbd.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Keys and certificates as other programs write them. */
final class OpenSsl {
    private OpenSsl() {}

    /** Runs openssl in a folder. */
    static void run(Path directory, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("openssl.log").toFile())
                .start();
        assertEquals(0, process.waitFor(), () -> "openssl " + String.join(" ", arguments));
    }

    /** {@code NAME-key.pem}, PKCS #8, and the self-signed {@code NAME-cert.pem}. */
    static void makeCertificate(Path directory, String name, String... algorithm) throws Exception {
        List<String> arguments =
                new ArrayList<>(List.of("req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=" + name));
        arguments.addAll(List.of(algorithm));
        arguments.addAll(List.of("-keyout", name + "-key.pem", "-out", name + "-cert.pem"));
        run(directory, arguments.toArray(String[]::new));
    }
}

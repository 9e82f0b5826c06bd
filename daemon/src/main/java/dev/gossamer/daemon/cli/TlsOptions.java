package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.nbd.handshake.TlsOffer;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code --tls} and what belongs to it. */
final class TlsOptions {
    /** What clients may or must do. */
    enum Mode {
        OFF,
        OFFER,
        REQUIRE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(
            names = "--tls",
            paramLabel = "MODE",
            description = "Encryption: off, offer or require; default: what pool.yaml says, else off. Holds for all "
                    + "sockets.")
    private Mode mode;

    @Option(
            names = "--tls-certificates",
            paramLabel = "DIR",
            description = "Directory with server-cert.pem and server-key.pem, and ca-cert.pem to verify clients.")
    private Path certificates;

    @Option(names = "--tls-verify-client", description = "Only clients with a certificate signed by ca-cert.pem.")
    private boolean verifyClient;

    /**
     * The settings; throws for wrong usage.
     *
     * @param configured what holds if nothing is said here
     */
    TlsSettings settings(CommandSpec spec, TlsSettings configured) {
        if (mode == null && certificates == null && !verifyClient) {
            return configured;
        }
        if (mode == null || mode == Mode.OFF) {
            if (certificates != null || verifyClient) {
                throw new ParameterException(
                        spec.commandLine(), "--tls is off; add --tls require or --tls offer to use certificates");
            }
            return TlsSettings.OFF;
        }
        if (certificates == null) {
            throw new ParameterException(
                    spec.commandLine(), "--tls " + mode + " needs certificates; add --tls-certificates DIR");
        }
        TlsOffer.Mode offered = mode == Mode.REQUIRE ? TlsOffer.Mode.REQUIRED : TlsOffer.Mode.OPTIONAL;
        return new TlsSettings(offered, certificates, verifyClient);
    }
}

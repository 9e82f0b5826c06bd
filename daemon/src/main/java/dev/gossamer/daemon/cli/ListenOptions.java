package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.server.ListenAddress;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code --listen}: where NBD is served besides the pool directory's own socket. */
final class ListenOptions {
    @Option(
            names = "--listen",
            paramLabel = "ADDRESS",
            description = "Serve NBD here too: unix:PATH or tcp:HOST:PORT (port 0 = any). May be repeated.")
    private List<String> listen = new ArrayList<>();

    @Option(
            names = "--allow-remote",
            description = "Allow addresses that other machines reach. Add --tls require: without it whoever reaches the"
                    + " port reads and writes every volume.")
    private boolean allowRemote;

    boolean allowsRemote() {
        return allowRemote;
    }

    /** The addresses; throws for wrong usage. */
    List<ListenAddress> addresses(CommandSpec spec) {
        List<ListenAddress> addresses = new ArrayList<>();
        for (String text : listen) {
            ListenAddress address;
            try {
                address = ListenAddress.parse(text);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), e.getMessage(), e);
            }
            if (!address.isLocal() && !allowRemote) {
                throw new ParameterException(
                        spec.commandLine(),
                        "other machines reach " + address
                                + "; use a loopback address, or add --allow-remote (and --tls require) if that is"
                                + " what you want");
            }
            addresses.add(address);
        }
        return addresses;
    }
}

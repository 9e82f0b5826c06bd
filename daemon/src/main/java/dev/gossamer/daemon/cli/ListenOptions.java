package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.config.ServiceConfig;
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
            description = "Serve NBD here too: unix:PATH, tcp:HOST:PORT, or tcp:PORT of this machine (port 0 = any)."
                    + " May be repeated.")
    private List<String> listen = new ArrayList<>();

    @Option(
            names = "--allow-remote",
            description = "Allow addresses that other machines reach. Add --tls require: without it whoever reaches the"
                    + " port reads and writes every volume.")
    private boolean allowRemote;

    @Option(
            names = "--metrics",
            paramLabel = "ADDRESS",
            description = "Answer /metrics and /healthz, and nothing else, at tcp:PORT or tcp:HOST:PORT.")
    private String metrics;

    boolean allowsRemote(ServiceConfig configured) {
        return allowRemote || configured.allowRemote();
    }

    /** The addresses, those of pool.yaml first; throws for wrong usage. */
    List<ListenAddress> addresses(CommandSpec spec, ServiceConfig configured) {
        List<ListenAddress> addresses = new ArrayList<>(configured.listen());
        for (String text : listen) {
            ListenAddress address;
            try {
                address = ListenAddress.parse(text);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), e.getMessage(), e);
            }
            addresses.add(address);
        }
        addresses.forEach(address -> requireAllowed(spec, address, configured));
        return addresses;
    }

    /** Where metrics are answered over TCP; null if nowhere. */
    ListenAddress.Tcp metrics(CommandSpec spec, ServiceConfig configured) {
        ListenAddress.Tcp address;
        try {
            address = metrics == null ? configured.metrics() : ServiceConfig.metrics(metrics);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        if (address != null) {
            requireAllowed(spec, address, configured);
        }
        return address;
    }

    private void requireAllowed(CommandSpec spec, ListenAddress address, ServiceConfig configured) {
        if (!address.isLocal() && !allowsRemote(configured)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "other machines reach " + address
                            + "; use a loopback address, or add --allow-remote (and --tls require) if that is"
                            + " what you want");
        }
    }
}

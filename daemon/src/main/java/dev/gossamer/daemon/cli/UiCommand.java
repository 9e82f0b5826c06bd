package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gossamer.daemon.ui.UiServer;
import dev.gossamer.io.StorageException;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code gossamer ui}: a page about a running pool, for a browser on this machine. */
@Command(
        name = "ui",
        description = {
            "Shows a running pool on a page, for one browser on this machine, until Ctrl-C or a quarter of an hour "
                    + "without use.",
            "Prints an address that works once. What the page may do is what you may do; the daemon listens on "
                    + "nothing new."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer ui -p DIR",
            "  gossamer ui -p DIR --port 9912",
            "",
            "From another machine, first there: ssh -L 9912:127.0.0.1:9912 HOST gossamer ui -p DIR --port 9912"
        })
final class UiCommand implements Callable<Integer> {
    private static final int LARGEST_PORT = 65_535;
    private static final Duration LOOK = Duration.ofMillis(500);

    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "0",
            description = "Port on 127.0.0.1; default ${DEFAULT-VALUE}, a free one.")
    private int port;

    @Override
    public Integer call() throws CommandFailed, StorageException {
        if (port < 0 || port > LARGEST_PORT) {
            throw new ParameterException(spec.commandLine(), "--port must be 0 to " + LARGEST_PORT);
        }
        pool.ask("GET", "/v1/status", null); // whether there is a daemon, and this user may ask it
        StopSignal stop = StopSignal.install();
        try (UiServer server = UiServer.start(pool.adminSocket(), port)) {
            Output.print(
                    spec,
                    output.isJson()
                            ? JsonNodeFactory.instance
                                    .objectNode()
                                    .put("address", server.address())
                                    .toString()
                            : "open this once, in a browser of this machine: " + server.address());
            while (!server.isOver()) {
                if (stop.await(LOOK)) {
                    return 0;
                }
            }
        }
        output.done(spec, "ended", "");
        return 0;
    }
}

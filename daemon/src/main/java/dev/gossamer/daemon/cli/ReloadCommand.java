package dev.gossamer.daemon.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code gossamer reload}: who may connect changes, without anybody being disconnected. */
@Command(
        name = "reload",
        description = {
            "Makes the daemon read DIR/clients.yaml and its certificates again, as SIGHUP does.",
            "Connections stay as they are. If anything is wrong, it is said here and nothing changes."
        },
        footer = {
            "",
            "DIR/clients.yaml, all of it optional; in 'access' the first rule that fits decides, and without "
                    + "one there is no"
                    + " access:",
            "  access:",
            "  - {certificate: alice, exports: alice-*, rights: read-write}     common name, or DNS:, EMAIL:, "
                    + "URI: and a name",
            "  - {network: 10.0.0.0/8, exports: [iso, tools], rights: read-only}",
            "  - {uid: 1000, rights: read-write}                                user at a Unix socket; '*' is any",
            "  limits:                       # per listener; these are the defaults",
            "    connections: 4000",
            "    connections-per-peer: 1000",
            "    handshakes: 1000            # unfinished",
            "    handshakes-per-peer: 64",
            "    handshake-seconds: 10",
            "",
            "Example:",
            "  gossamer reload -p DIR"
        })
final class ReloadCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws CommandFailed {
        pool.ask("POST", "/v1/reload", null);
        if (output.isJson()) {
            output.done(spec, "reloaded", "");
        }
        return 0;
    }
}

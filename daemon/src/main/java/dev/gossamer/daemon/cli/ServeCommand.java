package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.PassedSockets;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.ServiceConfig;
import dev.gossamer.daemon.log.LogForm;
import dev.gossamer.daemon.log.LogOutput;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gossamer serve}: the daemon, in the foreground. */
@Command(
        name = "serve",
        description = {
            "Serves a pool over NBD on DIR/nbd.sock until SIGTERM or Ctrl-C; a second signal ends it at once.",
            "Prints one line on standard output when clients can connect; logs go to standard error.",
            "Sockets passed by systemd or by a client (LISTEN_FDS) are served too; then that line goes to the log, and",
            "the server ends when whoever started it is gone and no client is connected.",
            "What pool.yaml says of 'listen', 'tls', 'metrics' holds as well; 'gossamer --help' lists the exit codes."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer serve DIR",
            "  gossamer serve -p DIR --listen tcp:10809 --metrics tcp:9911",
            "  gossamer serve DIR --listen tcp:0.0.0.0:10809 --allow-remote --tls require --tls-certificates PKI",
            "  nbdinfo 'nbd+unix:///vol0?socket=DIR/nbd.sock'      in another terminal"
        })
final class ServeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private DirectoryArgument directory;

    @Mixin
    private ListenOptions listen;

    @Mixin
    private TlsOptions tls;

    @Option(
            names = "--buffered",
            description = "Use the page cache whatever pool.yaml says; for file systems without direct I/O.")
    private boolean buffered;

    @Option(
            names = "--persistent",
            description = "Stay when the client that started this server with a socket is gone and none is connected.")
    private boolean persistent;

    @Option(
            names = "--engine",
            paramLabel = "ENGINE",
            defaultValue = "auto",
            description = "How data reaches the disks: auto, ring (io_uring) or threads; default ${DEFAULT-VALUE}.")
    private IoEngineChoice engine;

    @Option(
            names = "--log",
            paramLabel = "FORM",
            description = "The log's lines: text, or json with an object each; default what pool.yaml says, else text.")
    private LogForm log;

    @Option(
            names = "--force-owner",
            description = {
                "Take a pool on remote devices from a daemon that seems to serve it. Only if that one is known to be "
                        + "dead, or cut off."
            })
    private boolean forceOwner;

    @Override
    public Integer call() throws StorageException {
        PoolDirectory pool = new PoolDirectory(directory.path(spec));
        PoolConfig config = PoolConfig.read(pool.config());
        if (buffered) {
            config = config.withBuffered(true);
        }
        ServiceConfig configured = config.service();
        LogOutput.use(log == null ? configured.log() : log);
        PassedSockets passed = new PassedSockets(
                ActivatedSockets.descriptors(
                        System.getenv(), ProcessHandle.current().pid()),
                listen.allowsRemote(configured),
                persistent);
        ServiceConfig service = configured.with(
                listen.addresses(spec, configured),
                tls.settings(spec, configured.tls().in(pool.path())),
                listen.metrics(spec, configured));
        return ForegroundDaemon.start(
                        pool, config.withService(service), service.listen(), engine, service.tls(), passed, forceOwner)
                .run(spec.commandLine().getOut(), "");
    }
}

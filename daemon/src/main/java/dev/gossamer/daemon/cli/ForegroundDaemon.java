package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PassedSockets;
import dev.gossamer.daemon.Starting;
import dev.gossamer.daemon.admin.FailureKind;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.FileCreation;
import dev.gossamer.io.posix.ServiceManager;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.owner.ForeignOwner;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a pool in this process until a signal comes, the pool fails, or whoever started it for itself is gone. A
 * service manager hears when it is ready and when it stops.
 */
final class ForegroundDaemon {
    /** How often it looks whether it is still wanted. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(ForegroundDaemon.class);

    private final PoolDirectory directory;
    private final StopSignal signal;
    private final Daemon daemon;
    private final PassedSockets passed;
    private final ServiceManager manager = ServiceManager.at(System.getenv("NOTIFY_SOCKET"));

    private ForegroundDaemon(PoolDirectory directory, StopSignal signal, Daemon daemon, PassedSockets passed) {
        this.directory = directory;
        this.signal = signal;
        this.daemon = daemon;
        this.passed = passed;
    }

    /** Starts serving. A signal that comes from here on is not lost. */
    @SuppressWarnings("FutureReturnValueIgnored") // What ends the wait cannot fail.
    static ForegroundDaemon start(
            PoolDirectory directory,
            PoolConfig pool,
            List<ListenAddress> listen,
            IoEngineChoice engine,
            TlsSettings tls,
            PassedSockets passed,
            boolean forceOwner)
            throws StorageException {
        FileCreation.keepOthersOut();
        StopSignal signal = StopSignal.install();
        Starting starting = new Starting();
        signal.onFirst(() -> starting.end(Daemon.STOP_PATIENCE));
        Daemon daemon = Daemon.start(
                new DaemonConfig(directory, pool, listen, engine, DaemonConfig.defaultIoLoops(), tls, forceOwner),
                passed,
                starting);
        daemon.lost().thenAccept(why -> signal.end());
        signal.onHangup(() -> {
            try {
                daemon.reload();
            } catch (StorageException e) {
                LOG.warn("nothing was reloaded: {}", e.getMessage());
            }
        });
        return new ForegroundDaemon(directory, signal, daemon, passed);
    }

    void createVolumeIfNone(VolumeSpec volume) throws StorageException {
        daemon.createVolumeIfNone(volume);
    }

    /**
     * Prints the one line that says the pool is being served, then {@code hint}; returns once the daemon has stopped.
     *
     * @return the exit code
     */
    int run(PrintWriter out, String hint) throws StorageException {
        String ready = readyLine(directory, daemon.addresses(), daemon.requiresTls(), daemon.engine());
        if (passed.isEmpty()) {
            out.println(ready);
            out.print(hint);
            out.flush();
        } else {
            // Standard output belongs to whoever started us, and that one knows that we are ready by connecting.
            LOG.info(ready);
        }
        tell(ServiceManager.READY);
        int exitCode = awaitEnd();
        tell(ServiceManager.STOPPING);
        ForeignOwner other = daemon.lost().getNow(null);
        if (other != null) {
            // Whatever is still under way here must not be brought to an end.
            throw other;
        }
        try {
            daemon.stop();
        } catch (StorageException e) {
            if (exitCode == 0) {
                throw e;
            }
            LOG.error("stopping a failed pool: {}", Reason.of(e));
        }
        return exitCode;
    }

    private int awaitEnd() {
        Starter starter = Starter.ofThisProcess();
        boolean forStarter = !passed.isEmpty() && !passed.persistent();
        while (!signal.await(LOOK)) {
            if (daemon.hasFailed()) {
                LOG.error("the pool has failed: this process ends, so that it is opened again");
                return FailureKind.POOL_FAILED.exitCode();
            }
            if (forStarter && starter.isGone() && daemon.isIdle()) {
                LOG.info("the client that started this server is gone, and no other is connected; --persistent stays");
                return 0;
            }
        }
        return 0;
    }

    private void tell(String state) {
        try {
            manager.tell(state);
        } catch (StorageException e) {
            LOG.warn("{}", e.getMessage());
        }
    }

    static String readyLine(PoolDirectory directory, List<ListenAddress> addresses, boolean tls, String engine) {
        StringBuilder line = new StringBuilder("ready pool=").append(directory);
        for (ListenAddress address : addresses) {
            line.append(' ').append(address instanceof ListenAddress.Tcp ? address.toString() : address.uri(tls));
        }
        return line.append(" engine=").append(engine).toString();
    }
}

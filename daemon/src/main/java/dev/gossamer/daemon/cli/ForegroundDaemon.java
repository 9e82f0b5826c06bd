package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PassedSockets;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.thin.VolumeSpec;
import java.io.PrintWriter;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves a pool in this process until a signal comes. */
final class ForegroundDaemon {
    private static final Logger LOG = LoggerFactory.getLogger(ForegroundDaemon.class);

    private final PoolDirectory directory;
    private final StopSignal signal;
    private final Daemon daemon;
    // Then standard output belongs to whoever started us, and that one knows that we are ready by connecting.
    private final boolean activated;

    private ForegroundDaemon(PoolDirectory directory, StopSignal signal, Daemon daemon, boolean activated) {
        this.directory = directory;
        this.signal = signal;
        this.daemon = daemon;
        this.activated = activated;
    }

    /** Starts serving. A signal that comes from here on is not lost. */
    static ForegroundDaemon start(
            PoolDirectory directory,
            PoolConfig pool,
            List<ListenAddress> listen,
            IoEngineChoice engine,
            TlsSettings tls,
            PassedSockets passed)
            throws StorageException {
        StopSignal signal = StopSignal.install();
        Daemon daemon = Daemon.start(
                new DaemonConfig(directory, pool, listen, engine, DaemonConfig.defaultIoLoops(), tls), passed);
        signal.onHangup(() -> {
            try {
                daemon.reload();
            } catch (StorageException e) {
                LOG.warn("nothing was reloaded: {}", e.getMessage());
            }
        });
        return new ForegroundDaemon(
                directory, signal, daemon, !passed.descriptors().isEmpty());
    }

    void createVolumeIfNone(VolumeSpec volume) throws StorageException {
        daemon.createVolumeIfNone(volume);
    }

    /**
     * Prints the one line that says the pool is being served, then {@code hint}; returns once the daemon has stopped.
     */
    void run(PrintWriter out, String hint) throws StorageException {
        String ready = readyLine(directory, daemon.addresses(), daemon.engine());
        if (activated) {
            LOG.info(ready);
        } else {
            out.println(ready);
            out.print(hint);
            out.flush();
        }
        signal.await();
        daemon.stop();
    }

    static String readyLine(PoolDirectory directory, List<ListenAddress> addresses, String engine) {
        StringBuilder line = new StringBuilder("ready pool=").append(directory);
        for (ListenAddress address : addresses) {
            line.append(' ').append(address instanceof ListenAddress.Tcp ? address.toString() : address.uri());
        }
        return line.append(" engine=").append(engine).toString();
    }
}

package dev.gossamer.daemon.config;

import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.ring.IoEngineChoice;
import java.util.List;

/**
 * Everything a daemon needs to know to start.
 *
 * @param directory of the pool
 * @param pool what its pool.yaml says
 * @param listen where NBD is served besides the directory's own socket
 * @param engine how data reaches the disks
 * @param ioLoops I/O threads, at least 1
 * @param tls whether NBD clients may or must encrypt
 * @param forceOwner takes the pool from another daemon that seems to serve it (OP-12)
 */
public record DaemonConfig(
        PoolDirectory directory,
        PoolConfig pool,
        List<ListenAddress> listen,
        IoEngineChoice engine,
        int ioLoops,
        TlsSettings tls,
        boolean forceOwner) {
    public DaemonConfig {
        listen = List.copyOf(listen);
        if (ioLoops < 1) {
            throw new IllegalArgumentException("at least one I/O loop is needed: " + ioLoops);
        }
    }

    /** Without force. */
    public DaemonConfig(
            PoolDirectory directory,
            PoolConfig pool,
            List<ListenAddress> listen,
            IoEngineChoice engine,
            int ioLoops,
            TlsSettings tls) {
        this(directory, pool, listen, engine, ioLoops, tls, false);
    }

    /** One loop per two processors: clients on the same machine need the others. */
    public static int defaultIoLoops() {
        return Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    }
}

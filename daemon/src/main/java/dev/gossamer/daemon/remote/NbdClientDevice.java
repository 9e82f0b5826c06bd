package dev.gossamer.daemon.remote;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.client.RemoteExport;
import dev.gossamer.nbd.wire.NbdFlags;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An export of an NBD server as a block device (C1 to C5).
 *
 * <p>Requests may come from any loop. If the server allows several connections (CAN_MULTI_CONN), each I/O loop has its
 * own, up to a limit; those without share them, by message. Otherwise, and for a pool's worker and for threads that
 * wait, requests go to the first I/O loop and come back the same way.
 *
 * <p>When a connection is lost, the device reconnects and repeats what was under way; READ, WRITE, WRITE_ZEROES, TRIM
 * and FLUSH may be carried out twice. Answered writes that no FLUSH covers are kept in memory and repeated too, so a
 * server that crashes and comes back loses nothing that this device has acknowledged, and FLUSH keeps its promise. What
 * takes longer than {@link RemoteSettings#patienceMillis} ends with EIO. What the protocol cannot rule out: a command
 * of a connection that was given up because the server did not answer may still be carried out later, after its
 * repetition.
 *
 * <p>NBD has no lock: nothing keeps somebody else from using the export. Who shares one asks at a {@link ChangeGate}.
 */
public final class NbdClientDevice implements BlockDevice {
    private static final Logger LOG = LoggerFactory.getLogger(NbdClientDevice.class);

    /** Of one device: more would not make a network faster, and each may keep some memory. */
    public static final int MAX_CONNECTIONS = 8;

    /** A goodbye that takes longer serves nobody. */
    private static final long CLOSE_MILLIS = 1000;

    private final String name;
    private final RemoteSession session;
    private final boolean canFlush;
    private final boolean canZeroFast;
    private volatile boolean closed;

    private NbdClientDevice(String name, RemoteSession session) {
        this.name = name;
        this.session = session;
        this.canFlush = session.canFlush();
        this.canZeroFast = session.export().offers(NbdFlags.SEND_FAST_ZERO)
                && session.export().offers(NbdFlags.SEND_WRITE_ZEROES);
    }

    /**
     * Connects and negotiates; waits for that on the calling thread, which must be no loop.
     *
     * @param loops the I/O loops whose requests will come
     * @param readOnly nothing is changed, whatever the server would allow
     * @throws StorageException naming the URI and what is wrong: EINVAL for one that cannot be used, EROFS for an
     *     export that is read-only, else ENODEV
     */
    public static NbdClientDevice open(NbdUri uri, boolean readOnly, IoLoops loops, RemoteSettings settings)
            throws StorageException {
        return open(uri, new OpenOptions(readOnly, false), loops, MAX_CONNECTIONS, settings, ChangeGate.OPEN);
    }

    /**
     * As the other, for a device that somebody else may take over.
     *
     * @param options whether to read only, and what is asked of the server's addresses
     * @param maxConnections of all loops together, if the server allows several
     * @param gate asked before changes are sent, and after each reconnect on the first I/O loop
     */
    public static NbdClientDevice open(
            NbdUri uri,
            OpenOptions options,
            IoLoops loops,
            int maxConnections,
            RemoteSettings settings,
            ChangeGate gate)
            throws StorageException {
        try {
            return openOn(uri, options, loops, maxConnections, settings, gate).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof StorageException why
                    ? why
                    : new StorageException(Errno.EIO, uri + ": " + e, e);
        }
    }

    /** As {@link #open}, without waiting but for the look-up of a host's name. */
    public static CompletableFuture<NbdClientDevice> openOn(
            NbdUri uri,
            OpenOptions options,
            IoLoops loops,
            int maxConnections,
            RemoteSettings settings,
            ChangeGate gate)
            throws StorageException {
        RemoteConnector connector = new RemoteConnector(
                RemoteAddress.of(uri, loops, options.admission()),
                uri.exportName(),
                RemoteTls.of(uri),
                settings.handshakeMillis());
        CompletableFuture<RemoteConnection> connected = new CompletableFuture<>();
        connect(uri, connector, loops.loop(0), connector.addresses(), connected);
        return connected.thenApply(first -> {
            try {
                return opened(uri, options.readOnly(), loops, maxConnections, settings, gate, connector, first);
            } catch (StorageException e) {
                throw new CompletionException(e);
            }
        });
    }

    private static NbdClientDevice opened(
            NbdUri uri,
            boolean readOnly,
            IoLoops loops,
            int maxConnections,
            RemoteSettings settings,
            ChangeGate gate,
            RemoteConnector connector,
            RemoteConnection first)
            throws StorageException {
        RemoteExport export = first.export();
        if (export.offers(NbdFlags.READ_ONLY) && !readOnly) {
            loops.loop(0).execute(first::drop);
            throw new StorageException(Errno.EROFS, uri + ": the export is read-only; use one that can be written");
        }
        List<NettyLoop> used = new ArrayList<>();
        int connections = export.offers(NbdFlags.CAN_MULTI_CONN) ? Math.min(loops.count(), maxConnections) : 1;
        for (int i = 0; i < connections; i++) {
            used.add(loops.loop(i));
        }
        RemoteSession session = new RemoteSession(uri.toString(), connector, settings, export, readOnly, gate, used);
        if (!readOnly && !session.canFlush()) {
            LOG.warn("{}: server offers no FLUSH: what it has answered may be lost if it fails", uri);
        }
        session.home().tasks().run(() -> session.start(first));
        return new NbdClientDevice(uri.toString(), session);
    }

    /** Tries the server's addresses in turn, so many more of them. */
    private static void connect(
            NbdUri uri,
            RemoteConnector connector,
            NettyLoop loop,
            int left,
            CompletableFuture<RemoteConnection> answer) {
        connector.connect(loop, new RemoteConnector.Outcome() {
            @Override
            public void connected(RemoteConnection connection) {
                answer.complete(connection);
            }

            @Override
            public void failed(String reason) {
                try {
                    if (left > 1) {
                        connect(uri, connector, loop, left - 1, answer);
                    } else {
                        answer.completeExceptionally(new StorageException(Errno.ENODEV, uri + ": " + reason));
                    }
                } catch (RuntimeException | Error fault) {
                    answer.completeExceptionally(fault); // somebody waits for it
                }
            }
        });
    }

    @Override
    public BlockGeometry geometry() {
        return session.geometry();
    }

    @Override
    public DeviceHealth health() {
        return session.health();
    }

    @Override
    public void submit(BlockRequest request) {
        int errno = check(request, session.geometry());
        boolean nothing = request.operation() == BlockOperation.FLUSH ? !canFlush : request.lengthBytes() == 0;
        if (errno != Errno.OK || nothing) {
            request.complete(errno);
            return;
        }
        RemoteLink link = session.linkOf(request.loop().index());
        if (link.loop() == request.loop()) {
            link.submit(request);
        } else {
            link.take(request);
        }
    }

    private int check(BlockRequest request, BlockGeometry geometry) {
        BlockOperation operation = request.operation();
        if (operation == BlockOperation.FLUSH) {
            return session.health().isFailed() ? Errno.EIO : Errno.OK;
        }
        if (geometry.readOnly() && operation != BlockOperation.READ) {
            return Errno.EROFS;
        }
        if (operation == BlockOperation.DISCARD && geometry.discardBytes() == 0) {
            return Errno.EOPNOTSUPP;
        }
        if (!geometry.contains(request.offsetBytes(), request.lengthBytes())
                || !geometry.isAligned(request.offsetBytes(), request.lengthBytes())) {
            return Errno.EINVAL;
        }
        boolean mustBeFast = operation == BlockOperation.WRITE_ZEROES && request.hasFlag(BlockRequest.FAST_ZERO);
        return mustBeFast && !canZeroFast ? Errno.EOPNOTSUPP : Errno.OK;
    }

    /**
     * How long the oldest request has waited, in seconds, if that is so long that the device is stalled (OP-3); else 0.
     */
    public double stalledSeconds() {
        long nanos = 0;
        for (RemoteLink link : session.links()) {
            nanos = Math.max(nanos, link.stalledNanos());
        }
        return nanos / 1e9;
    }

    /** What it has gone through. */
    public RemoteCounters counters() {
        return session.counters();
    }

    /** Answered writes that no flush covers yet. Any thread. */
    public long keptBytes() {
        return session.links().stream().mapToLong(RemoteLink::keptBytes).sum();
    }

    /** From now on no request waits longer than this for the server, whatever the settings say. Any thread. */
    public void limitPatience(Duration limit) {
        for (RemoteLink link : session.links()) {
            link.tasks().run(() -> link.limitPatience(limit.toNanos()));
        }
    }

    /** Connections to the server, whether they are there at the moment or not. */
    public int connections() {
        return session.links().size();
    }

    public boolean isClosed() {
        return closed;
    }

    /** Says goodbye to the server. Waits a little for that, unless it is called on a loop that has to do it. */
    @Override
    public void close() {
        closed = true;
        CountDownLatch open = new CountDownLatch(session.links().size());
        session.home().tasks().run(() -> session.close(open::countDown));
        if (session.links().stream().noneMatch(link -> link.loop().inLoop())) {
            try {
                if (!open.await(CLOSE_MILLIS, TimeUnit.MILLISECONDS)) {
                    LOG.debug("{}: server takes no goodbye", name);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // whoever wants us gone does not care for the server
            }
        }
    }

    @Override
    public String toString() {
        return name;
    }
}

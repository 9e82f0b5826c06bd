package dev.gossamer.daemon.server;

import dev.gossamer.daemon.server.access.AccessControl;
import dev.gossamer.daemon.server.access.AdmissionCounters;
import dev.gossamer.daemon.server.access.AdmissionCounters.Refusal;
import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.ClientPolicy;
import dev.gossamer.daemon.server.access.HandshakeGate;
import dev.gossamer.daemon.server.access.MemoryBudget;
import dev.gossamer.daemon.server.access.PeerName;
import dev.gossamer.daemon.server.access.ServerTls;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.access.UnixPeer;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.connection.ConnectionRegistry;
import dev.gossamer.daemon.server.connection.LoopLoad;
import dev.gossamer.daemon.server.connection.NbdConnection;
import dev.gossamer.daemon.server.connection.NbdOperation;
import dev.gossamer.daemon.server.connection.RequestWatch;
import dev.gossamer.daemon.server.connection.StallTimer;
import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.daemon.server.stream.ChannelStream;
import dev.gossamer.daemon.server.stream.RingStream;
import dev.gossamer.daemon.server.stream.SlabView;
import dev.gossamer.io.DurationHistogram;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.io.ring.PassedSocket;
import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.HandshakeFailure;
import dev.gossamer.nbd.handshake.HandshakeHandler;
import dev.gossamer.nbd.handshake.HandshakeListener;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.handshake.Peer;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens for NBD clients and gives each its {@link NbdConnection}. Started and stopped by one thread that is no event
 * loop; the rest happens on the loops.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
public final class NbdServer {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);

    /** Eight writes of 4 KiB per read of the socket; what TLS holds on its way in is a few times that. */
    private static final int RECEIVE_LIMIT_BYTES = 32 << 10;

    private static final Set<PosixFilePermission> OWNER_AND_GROUP = PosixFilePermissions.fromString("rw-rw----");

    /** For clients that are disconnected, to take their last replies; then they are dropped. */
    private static final long DISCONNECT_GRACE_MILLIS = 5_000;

    private final IoLoops loops;
    private final Exports exports;
    private final ConnectionLimits limits;
    private final ServerTls tls;
    private final SlabView[] slabs;
    private final LoopLoad[] loads;
    private final ExportDirectory directory;
    private final AdmissionCounters admissions = new AdmissionCounters();
    private final ClientLog log;
    // One for each address; any thread may count who is there.
    private final List<HandshakeGate> gates = new CopyOnWriteArrayList<>();
    private final ConnectionRegistry registry = new ConnectionRegistry();
    private final RequestWatch[] watches;
    private final ScheduledExecutorService timer;
    private final StallTimer stallWatch;
    private final List<Channel> listeners = new ArrayList<>();
    private final List<ListenAddress> addresses = new ArrayList<>();
    private final List<SocketFile> socketFiles = new ArrayList<>();
    private final List<ListenAddress> passed = new ArrayList<>();
    // Written once, by the thread that stops the server; read by event loops.
    private volatile boolean stopping;
    // Exchanged by whoever reads the configuration; read by event loops.
    private volatile ClientPolicy policy = ClientPolicy.DEFAULT;

    /** Where clients connect, as they write it: with TLS where nothing is served without. */
    public List<String> uris() {
        return addresses().stream()
                .map(address -> address.uri(tls.isRequired()))
                .toList();
    }

    public boolean requiresTls() {
        return tls.isRequired();
    }

    /** To be made before anything uses the loops' transfer memory. */
    public NbdServer(IoLoops loops, Exports exports, ConnectionLimits limits, TlsSettings tls) throws StorageException {
        this(loops, exports, limits, tls, StallTimer.newTimer());
    }

    /** @param timer for what is seldom and waits for nothing; ends when the server stops */
    public NbdServer(
            IoLoops loops, Exports exports, ConnectionLimits limits, TlsSettings tls, ScheduledExecutorService timer)
            throws StorageException {
        this(loops, exports, limits, tls, timer, new ClientLog());
    }

    NbdServer(
            IoLoops loops,
            Exports exports,
            ConnectionLimits limits,
            TlsSettings tls,
            ScheduledExecutorService timer,
            ClientLog log)
            throws StorageException {
        this.log = log;
        this.tls = new ServerTls(tls);
        this.loops = loops;
        this.exports = exports;
        this.directory = new AccessControl(exports, () -> policy.access(), admissions, log, () -> stopping);
        this.limits = limits;
        this.timer = timer;
        this.slabs = new SlabView[loops.count()];
        this.watches = RequestWatch.ofLoops(loops.count(), log);
        this.loads = new LoopLoad[loops.count()];
        for (int i = 0; i < slabs.length; i++) {
            NettyLoop loop = loops.loop(i);
            loads[i] = new LoopLoad(loops.loop(i));
            // Ordered before the first connection by the bind that follows, which goes through the loops as well.
            loop.eventLoop()
                    .submit(() -> slabs[loop.index()] = new SlabView(loop.buffers()))
                    .syncUninterruptibly();
        }
        this.stallWatch = new StallTimer(registry, List.of(loads), limits, timer);
        // A timer that has thrown is not run again.
        Runnable tellLeftOut = loops.loop(0).faults().guarded(log::tellLeftOut);
        timer.scheduleWithFixedDelay(tellLeftOut, ClientLog.TELL_SECONDS, ClientLog.TELL_SECONDS, TimeUnit.SECONDS);
    }

    /** Starts listening. Returns the actual address: a TCP port 0 has become a real one. */
    public ListenAddress listen(ListenAddress address) throws StorageException {
        ServerBootstrap bootstrap = newBootstrap();
        ListenAddress actual =
                switch (address) {
                    case ListenAddress.Unix unix -> listenUnix(bootstrap, unix);
                    case ListenAddress.Tcp tcp -> listenTcp(bootstrap, tcp);
                };
        addresses.add(actual);
        LOG.info("listening address={}", actual);
        return actual;
    }

    /** Serves a socket that was passed to this process; it is not removed at the end. */
    public ListenAddress listen(PassedSocket socket) throws StorageException {
        ListenAddress address = ListenAddress.of(socket);
        ServerBootstrap bootstrap = newBootstrap();
        if (!socket.unix()) {
            setTcpOptions(bootstrap);
        }
        listeners.add(loops.listen(bootstrap, socket));
        passed.add(address);
        LOG.info("listening address={} passed=true", address);
        return address;
    }

    private ServerBootstrap newBootstrap() {
        HandshakeGate gate = new HandshakeGate(() -> policy.limits(), admissions, log);
        gates.add(gate);
        return new ServerBootstrap()
                .group(loops.nettyGroup())
                .childOption(ChannelOption.RECVBUF_ALLOCATOR, new AdaptiveRecvByteBufAllocator(512, 2048, 16 << 10))
                // A client that only closed its sending side still gets its replies (T37).
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childHandler(new Greeter(gate));
    }

    private static void setTcpOptions(ServerBootstrap bootstrap) {
        bootstrap.childOption(ChannelOption.TCP_NODELAY, true).childOption(ChannelOption.SO_KEEPALIVE, true);
    }

    private ListenAddress listenUnix(ServerBootstrap bootstrap, ListenAddress.Unix unix) throws StorageException {
        SocketFile.makeWay(unix.path());
        bootstrap.channel(loops.unixServerChannel());
        bind(bootstrap, SocketFile.address(SocketFile.birthPlace(unix.path()), loops.unixServerChannel()), unix);
        socketFiles.add(SocketFile.own(unix.path(), OWNER_AND_GROUP));
        return unix;
    }

    private ListenAddress listenTcp(ServerBootstrap bootstrap, ListenAddress.Tcp tcp) throws StorageException {
        bootstrap.channel(loops.tcpServerChannel()).option(ChannelOption.SO_REUSEADDR, true);
        setTcpOptions(bootstrap);
        Channel channel = bind(bootstrap, tcp.address(), tcp);
        return new ListenAddress.Tcp((InetSocketAddress) channel.localAddress());
    }

    private Channel bind(ServerBootstrap bootstrap, SocketAddress where, ListenAddress address)
            throws StorageException {
        var bound = bootstrap.bind(where).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "cannot listen on " + address + ": " + Reason.of(bound.cause()) + "; use another address",
                    bound.cause());
        }
        listeners.add(bound.channel());
        return bound.channel();
    }

    /**
     * Decides anew which clients are served, and reads the certificates again. Connections that are open stay open.
     *
     * @return puts both in force; until then, and if anything is wrong, everything stays as it was
     */
    public Runnable prepare(ClientPolicy newPolicy) throws StorageException {
        if (newPolicy.access().needCertificates() && !tls.verifiesClients()) {
            throw new StorageException(
                    Errno.EINVAL,
                    "an access rule names a certificate, but clients do not have to show one; serve with --tls offer or"
                            + " require, and --tls-verify-client");
        }
        ServerTls.Loaded loaded = tls.load();
        return () -> {
            tls.use(loaded);
            policy = newPolicy;
        };
    }

    /** How long requests of this kind took, one histogram a loop. */
    public List<DurationHistogram> durations(NbdOperation operation) {
        return Arrays.stream(watches).map(watch -> watch.durations(operation)).toList();
    }

    /** Requests that take longer are logged; zero: none is. */
    public void logSlowerThan(Duration limit) {
        for (RequestWatch watch : watches) {
            watch.logSlowerThan(limit);
        }
    }

    /** Those who are there, in handshakes or after them. */
    public MemoryBudget.Clients clients() {
        return new MemoryBudget.Clients() {
            @Override
            public int connections() {
                return gates.stream().mapToInt(HandshakeGate::open).sum();
            }

            @Override
            public int handshakes() {
                return gates.stream().mapToInt(HandshakeGate::handshakes).sum();
            }
        };
    }

    /** What clients of any socket make the daemon write; told to the end of by {@link #beginStop}. */
    public ClientLog log() {
        return log;
    }

    public AdmissionCounters admissions() {
        return admissions;
    }

    /** Where the server listens. */
    public List<ListenAddress> addresses() {
        List<ListenAddress> all = new ArrayList<>(passed);
        all.addAll(addresses);
        return all;
    }

    public ConnectionRegistry connections() {
        return registry;
    }

    /**
     * Stops in order (T65): accepts nobody, lets what is under way end, answers new commands ESHUTDOWN, and closes what
     * is still there when the time is over. Waits until every device has been given back.
     */
    public void stop(long graceMillis) {
        beginStop(graceMillis).join();
    }

    /**
     * As {@link #stop}, without waiting for clients.
     *
     * @return completes when every device has been given back; if one never is, when the time has passed twice
     */
    @SuppressWarnings("FutureReturnValueIgnored") // both tasks end with the timer
    public CompletableFuture<Void> beginStop(long graceMillis) {
        if (timer.isShutdown()) {
            return CompletableFuture.completedFuture(null); // it has stopped before
        }
        stopping = true;
        listeners.forEach(listener -> listener.close().awaitUninterruptibly());
        socketFiles.forEach(SocketFile::remove);
        gates.forEach(HandshakeGate::closeAll);
        // Complete: whoever would be admitted later finds the server stopping, under the registry's lock.
        List<NbdConnection> clients = registry.connections();
        clients.forEach(NbdConnection::drain);
        CompletableFuture<Void> stopped = whenOver(clients);
        timer.schedule(
                () -> dropAll(clients, "server stops and the grace time is over"), graceMillis, TimeUnit.MILLISECONDS);
        timer.schedule(() -> stopped.complete(null), 2 * graceMillis, TimeUnit.MILLISECONDS);
        return stopped.whenComplete((all, failure) -> {
            stallWatch.close();
            log.close();
        });
    }

    private static void dropAll(List<NbdConnection> clients, String why) {
        for (NbdConnection client : clients) {
            try {
                client.dropIfOpen(why);
            } catch (RuntimeException | Error bug) {
                LOG.error("connection peer={} cannot be dropped", client.peer(), bug); // the others can
            }
        }
    }

    private static CompletableFuture<Void> whenOver(List<NbdConnection> clients) {
        return CompletableFuture.allOf(
                clients.stream().map(NbdConnection::whenOver).toArray(CompletableFuture[]::new));
    }

    /**
     * Disconnects all clients of a volume, those that only compare another one with it included, then makes a change
     * that none of them may be there to see, such as to delete it. What they have under way ends, new commands are
     * answered ESHUTDOWN, and until the change is done nobody can connect to the volume (T64). Any thread.
     *
     * @param change started once the last client is gone, on an event loop: may not wait
     * @return completes as the change does
     */
    public <T> CompletableFuture<T> disconnectAll(String volume, Supplier<CompletableFuture<T>> change) {
        List<NbdConnection> clients = registry.bar(volume);
        Runnable last = () -> dropAll(clients, "the export is closed");
        try {
            clients.forEach(NbdConnection::drain);
            loops.loop(0).eventLoop().schedule(last, DISCONNECT_GRACE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (RuntimeException | Error fault) {
            registry.lift(volume); // nobody else would
            throw fault;
        }
        return whenOver(clients)
                .thenCompose(gone -> change.get())
                .whenComplete((done, failure) -> registry.lift(volume));
    }

    private void serve(ChannelHandlerContext ctx, NegotiatedExport negotiated, HandshakeGate gate) {
        NbdConnection connection = registry.admit(id -> open(ctx.channel(), negotiated, id));
        if (connection == null) {
            LOG.debug(
                    "export gone after the handshake name={}",
                    negotiated.export().name());
            // Behind the acknowledgement that is on its way: with io_uring a close beside a send leaves the peer
            // waiting.
            ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        try {
            gate.negotiated(ctx.channel(), connection.whenOver());
            serve(ctx, connection);
        } catch (RuntimeException | Error fault) {
            connection.neverBegins(fault);
            ctx.close();
        }
    }

    private void serve(ChannelHandlerContext ctx, NbdConnection connection) {
        NettyLoop loop = NettyLoop.of(ctx.channel().eventLoop());
        if (RingStream.canTake(ctx.channel(), loop)) {
            RingStream stream = new RingStream(connection, limits.unsentBytes());
            try {
                connection.begin(stream);
                ctx.pipeline().replace(ctx.handler(), "nbd", stream);
            } catch (RuntimeException | Error fault) {
                stream.closed(); // it has memory, and is in no pipeline that would tell it of the end
                throw fault;
            }
        } else {
            ctx.channel()
                    .config()
                    .setRecvByteBufAllocator(
                            new AdaptiveRecvByteBufAllocator(2048, RECEIVE_LIMIT_BYTES, RECEIVE_LIMIT_BYTES));
            ChannelStream stream = new ChannelStream(ctx.channel(), connection, limits.unsentBytes());
            connection.begin(stream);
            ctx.pipeline().replace(ctx.handler(), "nbd", stream);
        }
    }

    private NbdConnection open(Channel channel, NegotiatedExport negotiated, long id) {
        OpenExport export = stopping ? null : exports.open(negotiated.export().name(), negotiated.contexts());
        if (export == null) {
            return null;
        }
        try {
            if (registry.isBarred(export)) {
                export.close();
                return null;
            }
            NettyLoop loop = NettyLoop.of(channel.eventLoop());
            return new NbdConnection(
                    id,
                    loop,
                    loads[loop.index()],
                    slabs[loop.index()],
                    export,
                    negotiated,
                    PeerName.of(Peer.of(channel)),
                    limits,
                    registry::remove,
                    watches[loop.index()]);
        } catch (RuntimeException | Error fault) {
            export.close();
            throw fault;
        }
    }

    /** First handler of every connection that a listener accepts, and the end of its handshake. */
    private final class Greeter extends ChannelInitializer<Channel> implements HandshakeListener {
        private final HandshakeGate gate;

        Greeter(HandshakeGate gate) {
            this.gate = gate;
        }

        @Override
        protected void initChannel(Channel channel) {
            if (!gate.enter(channel)) {
                channel.close();
                return;
            }
            channel.attr(Peer.USER_ID).set(UnixPeer.userId(channel));
            channel.pipeline()
                    .addLast(
                            "handshake",
                            new HandshakeHandler(directory, policy.limits().handshakeLimits(), tls.offer(), this));
        }

        @Override
        public void negotiated(ChannelHandlerContext ctx, NegotiatedExport export) {
            serve(ctx, export, gate);
        }

        @Override
        public void failed(Channel channel, HandshakeFailure why, Throwable cause) {
            if (why == HandshakeFailure.TLS_FAILED) {
                log.refused(ClientLog.Kind.TLS, PeerName.of(Peer.of(channel)), Reason.of(cause));
            }
            admissions.countRefused(
                    switch (why) {
                        case TIMED_OUT -> Refusal.HANDSHAKE_TIMED_OUT;
                        case VIOLATION -> Refusal.PROTOCOL_VIOLATION;
                        case TLS_FAILED -> Refusal.TLS_FAILED;
                    });
        }
    }
}

package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.SocketFile;
import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.UnixPeer;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoLoops;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.http.HttpServerCodec;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens on the admin socket, and for those who want numbers on a port. It shares an event loop with NBD: requests are
 * few and never wait there.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
public final class AdminServer {
    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);

    private final AdminApi api;
    private final HttpAnswers answers;
    private final EventStream events;
    private final MetricsServer metrics;
    private final AdminGate gate;
    private final ClientLog log;
    private final AdminConnections connections = new AdminConnections();
    private Channel listener;
    private SocketFile socket;

    /** @param log for who asks */
    public AdminServer(PoolAdmin pool, CowAdmin cow, AdminGate gate, ClientLog log) {
        this.api = new AdminApi(pool, cow, log);
        this.answers = new HttpAnswers(api.busy());
        this.events = new EventStream(pool, log);
        this.metrics = new MetricsServer(pool);
        this.gate = gate;
        this.log = log;
    }

    /**
     * Starts listening, to those whom the gate lets in.
     *
     * @param metricsAddress where everybody can read numbers; null if nowhere
     */
    public void listen(IoLoops loops, Path path, ListenAddress.Tcp metricsAddress) throws StorageException {
        SocketFile.makeWay(path);
        var bound = new ServerBootstrap()
                .group(loops.nettyGroup())
                .channel(loops.unixServerChannel())
                .childHandler(new Pipeline())
                .bind(SocketFile.address(SocketFile.birthPlace(path), loops.unixServerChannel()))
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new StorageException(
                    Errno.EBUSY, "cannot listen on " + path + ": " + Reason.of(bound.cause()), bound.cause());
        }
        listener = bound.channel();
        socket = SocketFile.own(path, gate.permissions());
        gate.listensOn(path);
        if (metricsAddress != null) {
            LOG.info("metrics address={}", metrics.listen(loops, metricsAddress));
        }
    }

    /** Where metrics are answered over TCP; null if nowhere. */
    public ListenAddress.Tcp metricsAddress() {
        return metrics.address();
    }

    /** Stops listening and removes the socket; an answer on its way still arrives. */
    public void stop() {
        metrics.stop();
        events.stop();
        if (listener != null) {
            listener.close().awaitUninterruptibly();
            if (socket != null) {
                socket.remove();
            }
        }
    }

    /** What a connection goes through. */
    private final class Pipeline extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            long userId = UnixPeer.userId(channel);
            boolean owner = gate.isOwner(userId);
            if (!connections.enter(userId, owner)) {
                channel.close();
                return;
            }
            channel.closeFuture().addListener(closed -> connections.leave(userId, owner));
            channel.pipeline()
                    .addLast(new HttpServerCodec())
                    .addLast(new AdminHandler(api, answers, events, gate, log));
        }
    }
}

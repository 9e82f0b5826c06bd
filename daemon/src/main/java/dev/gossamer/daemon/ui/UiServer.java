package dev.gossamer.daemon.ui;

import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * Serves the page to one browser on this machine, over 127.0.0.1 and no other address (OP-37). It has no rights of its
 * own: the daemon sees the user who started it.
 */
@SuppressWarnings("FutureReturnValueIgnored") // A channel that does not close says so itself.
public final class UiServer implements AutoCloseable {
    /** A browser opens six; more at once are closed. */
    static final int CONNECTION_LIMIT = 32;

    /** Who has not sent the request, or not taken the answer, by then never will. Longer than a change takes. */
    private static final int TIMEOUT_SECONDS = 75;

    /** Until the whole request is there, as others may hold connections open. */
    private static final int REQUEST_TIMEOUT_SECONDS = 10;

    private static final Duration READ_PATIENCE = Duration.ofSeconds(10);
    private static final Duration CHANGE_PATIENCE = Duration.ofSeconds(60);

    private static final int LINE_LIMIT_BYTES = 4096;
    private static final int HEADERS_LIMIT_BYTES = 8192;
    private static final int BODY_LIMIT_BYTES = 16 << 10;

    private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(
            1, Thread.ofPlatform().daemon().name("ui-loop").factory(), NioIoHandler.newFactory());
    private final AtomicInteger open = new AtomicInteger();
    private final UiSession session;
    private final UiForward daemon;
    private Channel listener;
    private UiPages pages;

    UiServer(UiForward.Backend backend, LongSupplier nanoClock) {
        this.session = new UiSession(nanoClock);
        this.daemon = new UiForward(backend);
    }

    /**
     * Serves the page for a pool.
     *
     * @param adminSocket the daemon's
     * @param port on 127.0.0.1; 0 is a free one
     */
    public static UiServer start(Path adminSocket, int port) throws StorageException {
        AdminClient reads = new AdminClient(adminSocket, READ_PATIENCE);
        AdminClient changes = new AdminClient(adminSocket, CHANGE_PATIENCE);
        UiServer server = new UiServer(
                (method, path, body) -> (method.equals("GET") ? reads : changes).send(method, path, body),
                System::nanoTime);
        server.listen(port);
        return server;
    }

    void listen(int port) throws StorageException {
        var bound = new ServerBootstrap()
                .group(loop)
                .channel(NioServerSocketChannel.class)
                .childHandler(new Pipeline())
                .bind(new InetSocketAddress(loopback(), port))
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            close();
            throw new StorageException(
                    Errno.EBUSY,
                    "cannot listen on 127.0.0.1:" + port + ": " + Reason.of(bound.cause())
                            + "; name another with --port, or none for a free one",
                    bound.cause());
        }
        listener = bound.channel();
    }

    private static InetAddress loopback() {
        try {
            return InetAddress.getByAddress("127.0.0.1", new byte[] {127, 0, 0, 1});
        } catch (IOException e) {
            throw new AssertionError("four bytes are an address", e);
        }
    }

    /** Where it listens. */
    public int port() {
        return ((InetSocketAddress) listener.localAddress()).getPort();
    }

    /** What to open in a browser, once. What is behind the number sign, browsers send to nobody. */
    public String address() {
        return "http://127.0.0.1:" + port() + "/#" + session.token();
    }

    /** Whether the page was closed, or has not been used for long: there is nothing left to do. */
    public boolean isOver() {
        return session.isOver();
    }

    @Override
    public void close() {
        if (listener != null) {
            listener.close().awaitUninterruptibly();
        }
        daemon.close();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /** What a connection goes through. */
    private final class Pipeline extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            channel.closeFuture().addListener(closed -> open.decrementAndGet());
            if (open.incrementAndGet() > CONNECTION_LIMIT) {
                channel.close();
                return;
            }
            RequestClock clock = new RequestClock(REQUEST_TIMEOUT_SECONDS, TIMEOUT_SECONDS);
            channel.pipeline()
                    .addLast(new HttpServerCodec(LINE_LIMIT_BYTES, HEADERS_LIMIT_BYTES, BODY_LIMIT_BYTES))
                    .addLast(new HttpObjectAggregator(BODY_LIMIT_BYTES, true))
                    .addLast(clock)
                    .addLast(new UiHandler(pages()));
        }
    }

    /** On the loop alone, after the port is known. */
    private UiPages pages() {
        if (pages == null) {
            pages = new UiPages(port(), session, daemon);
        }
        return pages;
    }
}

package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoLoops;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpServerCodec;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Answers {@code GET /metrics} and {@code GET /healthz} over TCP, and nothing else: a scraper cannot use a Unix socket
 * (OP-32). It reads and changes nothing, so it asks nobody who they are; what it tells are names of volumes and
 * numbers.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
final class MetricsServer {
    /** Two scrapers, a health check and somebody with curl; more at once are closed. */
    private static final int CONNECTION_LIMIT = 16;

    /** A client that has not sent its request by then, or not taken the answer, never will. */
    private static final long TIMEOUT_SECONDS = 10;

    private static final String TEXT = "text/plain; charset=utf-8";

    private final PoolAdmin pool;
    private final HttpAnswers answers =
            new HttpAnswers(new AdminResponse(AdminRefusal.UNAVAILABLE, TEXT, HttpAnswers.BUSY + "\n"));
    private final AtomicInteger open = new AtomicInteger();
    private Channel listener;

    MetricsServer(PoolAdmin pool) {
        this.pool = pool;
    }

    /** Starts listening. Returns the actual address: port 0 has become a real one. */
    ListenAddress.Tcp listen(IoLoops loops, ListenAddress.Tcp address) throws StorageException {
        var bound = new ServerBootstrap()
                .group(loops.nettyGroup())
                .channel(loops.tcpServerChannel())
                .option(ChannelOption.SO_REUSEADDR, true)
                .childHandler(new Pipeline())
                .bind(address.address())
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "cannot answer metrics on " + address + ": " + Reason.of(bound.cause()) + "; use another port",
                    bound.cause());
        }
        listener = bound.channel();
        return address();
    }

    /** Null if it does not listen. */
    ListenAddress.Tcp address() {
        return listener == null ? null : new ListenAddress.Tcp((InetSocketAddress) listener.localAddress());
    }

    void stop() {
        if (listener != null) {
            listener.close().awaitUninterruptibly();
        }
    }

    private CompletableFuture<AdminResponse> answer(HttpRequest request) {
        String path = request.uri();
        if (!request.method().name().equals("GET")) {
            return now(AdminRefusal.METHOD_NOT_ALLOWED, "only GET is answered here\n");
        }
        return switch (path) {
            case "/metrics" -> pool.metrics()
                    .thenApply(text -> new AdminResponse(200, AdminResponse.PROMETHEUS, text))
                    .exceptionally(e -> new AdminResponse(AdminRefusal.UNAVAILABLE, TEXT, Reason.of(e) + "\n"));
            case "/healthz" -> pool.isHealthy()
                    ? now(200, "serving\n")
                    : now(AdminRefusal.UNAVAILABLE, "the pool has failed; open it again\n");
            default -> now(AdminRefusal.NOT_FOUND, "here are /metrics and /healthz, and nothing else\n");
        };
    }

    private static CompletableFuture<AdminResponse> now(int status, String text) {
        return CompletableFuture.completedFuture(new AdminResponse(status, TEXT, text));
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
            var timeout = channel.eventLoop().schedule(() -> channel.close(), TIMEOUT_SECONDS, TimeUnit.SECONDS);
            channel.closeFuture().addListener(closed -> timeout.cancel(false));
            channel.pipeline().addLast(new HttpServerCodec()).addLast(new Handler());
        }
    }

    /** One request, one answer, then the end. */
    private final class Handler extends SimpleChannelInboundHandler<HttpObject> {
        private boolean answering;

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, HttpObject part) {
            if (answering || !(part instanceof HttpRequest request)) {
                return;
            }
            answering = true;
            if (request.decoderResult().isSuccess()) {
                answer(request).thenAccept(response -> send(ctx, response)).whenComplete((sent, failure) -> {
                    if (failure != null) {
                        exceptionCaught(ctx, failure);
                    }
                });
            } else {
                send(ctx, new AdminResponse(AdminRefusal.BAD_REQUEST, TEXT, "this is no HTTP request\n"));
            }
        }

        private void send(ChannelHandlerContext ctx, AdminResponse answer) {
            answers.send(ctx.channel(), answer, ctx::close);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }
}

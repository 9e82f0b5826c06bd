package dev.gossamer.daemon.remote;

import dev.gossamer.io.Reason;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.nbd.client.ClientHandshake;
import dev.gossamer.nbd.client.ClientHandshakeListener;
import dev.gossamer.nbd.client.ClientOptions;
import dev.gossamer.nbd.client.RemoteExport;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** Makes connections to one export, each on the loop that wants it. Used by all loops; holds nothing of theirs. */
final class RemoteConnector {
    /** Told once how an attempt ended, on its loop. */
    interface Outcome {
        void connected(RemoteConnection connection);

        /** One line for a person. */
        void failed(String why);
    }

    /** A few large answers per read of the socket. */
    private static final int RECEIVE_LIMIT_BYTES = 256 << 10;

    private final RemoteAddress address;
    private final ClientOptions options;
    // Shared by the loops: the address that served last is tried first.
    private final AtomicInteger attempt = new AtomicInteger();

    RemoteConnector(
            RemoteAddress address, String exportName, Function<ByteBufAllocator, SslHandler> tls, long timeoutMillis) {
        this.address = address;
        this.options = new ClientOptions(exportName, true, List.of(), tls, timeoutMillis);
    }

    /** Number of addresses, each of which deserves an attempt. */
    int addresses() {
        return address.addresses().size();
    }

    /** Connects and negotiates; ends within twice the time-out. */
    void connect(NettyLoop loop, Outcome whoAsks) {
        Outcome outcome = new ToldOnce(whoAsks);
        var target = address.addresses().get(Math.floorMod(attempt.get(), addresses()));
        Bootstrap bootstrap = new Bootstrap()
                .group(loop.eventLoop())
                .channel(address.channel())
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) options.timeoutMs())
                .option(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator(2048, 64 << 10, RECEIVE_LIMIT_BYTES))
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new ClientHandshake(options, new Listener(outcome, loop)));
                    }
                });
        if (target instanceof InetSocketAddress) {
            bootstrap.option(ChannelOption.TCP_NODELAY, true).option(ChannelOption.SO_KEEPALIVE, true);
        }
        bootstrap.connect(target).addListener((ChannelFutureListener) connected -> {
            if (!connected.isSuccess()) {
                attempt.incrementAndGet();
                outcome.failed("cannot connect: " + Reason.of(connected.cause()));
            }
        });
    }

    /** A handshake that has waited too long closes its channel, and that is one more end. Confined to the loop. */
    private static final class ToldOnce implements Outcome {
        private final Outcome outcome;
        private boolean told;

        ToldOnce(Outcome outcome) {
            this.outcome = outcome;
        }

        @Override
        public void connected(RemoteConnection connection) {
            if (told) {
                connection.drop();
            } else {
                told = true;
                outcome.connected(connection);
            }
        }

        @Override
        public void failed(String why) {
            if (!told) {
                told = true;
                outcome.failed(why);
            }
        }
    }

    private record Listener(Outcome outcome, NettyLoop loop) implements ClientHandshakeListener {
        @Override
        @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for the end of what cannot be used
        public void negotiated(ChannelHandlerContext ctx, RemoteExport export) {
            RemoteConnection connection;
            try {
                connection = new RemoteConnection(export, loop);
                ctx.pipeline().replace(ctx.handler(), "nbd", connection);
            } catch (RuntimeException | Error fault) {
                // The handshake takes it for told.
                loop.faults().caught(fault);
                ctx.close();
                outcome.failed(
                        fault instanceof OutOfMemoryError
                                ? "no memory for the connection"
                                : "cannot use the connection: " + Reason.of(fault));
                return;
            }
            outcome.connected(connection);
        }

        @Override
        public void listed(List<String> exportNames) {
            throw new AssertionError("a list was not asked for");
        }

        @Override
        public void failed(String why, Throwable cause) {
            outcome.failed(cause == null ? why : why + ": " + Reason.of(cause));
        }
    }
}

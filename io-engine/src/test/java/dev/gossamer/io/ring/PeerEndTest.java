package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.uring.IoUring;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class PeerEndTest {
    enum End {
        RESET,
        CLOSE
    }

    private final CompletableFuture<Channel> accepted = new CompletableFuture<>();
    private final CountDownLatch read = new CountDownLatch(1);

    /** As a connection that takes no more commands for now: bytes of others are left unread. */
    @ParameterizedTest
    @EnumSource
    void aPeerThatEndsIsSeenThoughNothingIsRead(End how) throws Exception {
        for (IoEngineChoice choice : new IoEngineChoice[] {IoEngineChoice.AUTO, IoEngineChoice.THREADS}) {
            PeerEndTest one = new PeerEndTest();
            try (IoLoops loops = IoLoops.start(1, choice, 32 << 20)) {
                one.tryIt(loops, how);
            }
        }
        assumeTrue(IoUring.isAvailable(), "io_uring is not allowed here: only the threads' channels were tried");
    }

    private void tryIt(IoLoops loops, End how) throws Exception {
        Channel server = new ServerBootstrap()
                .group(loops.nettyGroup())
                .channel(loops.tcpServerChannel())
                .childOption(ChannelOption.AUTO_READ, false)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childHandler(new Reader())
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .sync()
                .channel();
        try (Socket peer =
                new Socket(InetAddress.getLoopbackAddress(), ((InetSocketAddress) server.localAddress()).getPort())) {
            peer.getOutputStream().write(1);
            Channel channel = accepted.get();
            read.await();
            peer.getOutputStream().write(new byte[100]);
            assertFalse(hasHungUp(channel));
            if (how == End.RESET) {
                peer.setSoLinger(true, 0);
            }
            end(peer);
            while (channel.isOpen() && !hasHungUp(channel)) { // or Netty itself has found out
                Thread.sleep(1);
            }
        } finally {
            server.close().sync();
        }
    }

    private static void end(Socket peer) throws IOException {
        peer.close();
    }

    private static boolean hasHungUp(Channel channel) throws Exception {
        return channel.eventLoop().submit(() -> PeerEnd.hasHungUp(channel)).get();
    }

    /** Reads once. */
    @SuppressWarnings("FutureReturnValueIgnored") // a close cannot fail
    private final class Reader extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            ctx.read();
            accepted.complete(ctx.channel());
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            ((ByteBuf) message).release();
            read.countDown();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }
}

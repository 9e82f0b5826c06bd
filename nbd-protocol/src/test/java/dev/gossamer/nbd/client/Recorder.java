package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertNull;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.List;

/** Remembers how a handshake ended, and that it ended once. */
final class Recorder implements ClientHandshakeListener {
    RemoteExport export;
    List<String> names;
    String failure;
    int transmissionBytes;

    @Override
    public void negotiated(ChannelHandlerContext ctx, RemoteExport negotiated) {
        assertNothingYet();
        export = negotiated;
        ctx.pipeline().replace(ctx.handler(), "transmission", new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                ByteBuf in = (ByteBuf) message;
                transmissionBytes += in.readableBytes();
                in.release();
            }
        });
    }

    @Override
    public void listed(List<String> exportNames) {
        assertNothingYet();
        names = exportNames;
    }

    @Override
    public void failed(String why, Throwable cause) {
        assertNothingYet();
        failure = why;
    }

    private void assertNothingYet() {
        assertNull(export);
        assertNull(names);
        assertNull(failure);
    }
}

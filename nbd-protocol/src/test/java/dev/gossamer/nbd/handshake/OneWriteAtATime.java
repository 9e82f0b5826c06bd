package dev.gossamer.nbd.handshake;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;

/** A socket whose buffer is full after each write until the test says it is writable again. */
final class OneWriteAtATime extends ChannelOutboundHandlerAdapter {
    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) throws Exception {
        super.write(ctx, message, promise);
        ctx.channel().unsafe().outboundBuffer().setUserDefinedWritability(1, false);
    }
}

package dev.gossamer.daemon.ui;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Closes a connection whose request does not arrive, or whose answer is not taken, in time. On the loop. */
@SuppressWarnings("FutureReturnValueIgnored") // A channel that does not close says so itself.
final class RequestClock extends ChannelInboundHandlerAdapter {
    private final int requestSeconds;
    private final int answerSeconds;
    private Future<?> clock;

    RequestClock(int requestSeconds, int answerSeconds) {
        this.requestSeconds = requestSeconds;
        this.answerSeconds = answerSeconds;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        restart(ctx, requestSeconds);
        ctx.fireChannelActive();
    }

    /** The whole request is there. */
    @Override
    public void channelRead(ChannelHandlerContext ctx, Object request) {
        restart(ctx, answerSeconds);
        ctx.fireChannelRead(request);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        stop();
        ctx.fireChannelInactive();
    }

    private void restart(ChannelHandlerContext ctx, int seconds) {
        stop();
        clock = ctx.executor().schedule(() -> ctx.close(), seconds, TimeUnit.SECONDS);
    }

    private void stop() {
        if (clock != null) {
            clock.cancel(false);
        }
    }
}

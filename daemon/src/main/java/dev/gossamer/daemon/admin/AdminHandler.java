package dev.gossamer.daemon.admin;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One admin connection: one request, one answer, then the end. So nothing has to be kept in order or for long. */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
final class AdminHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final Logger LOG = LoggerFactory.getLogger(AdminHandler.class);

    /** A client that has not sent its request by then never will. */
    private static final long REQUEST_TIMEOUT_SECONDS = 10;

    private final AdminApi api;
    private Future<?> timeout;
    private boolean answering;

    AdminHandler(AdminApi api) {
        this.api = api;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        timeout = ctx.executor().schedule(() -> ctx.close(), REQUEST_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        ctx.fireChannelActive();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        timeout.cancel(false);
        ctx.fireChannelInactive();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
        if (answering) {
            return;
        }
        answering = true;
        timeout.cancel(false);
        if (!request.decoderResult().isSuccess() || !request.uri().startsWith("/")) {
            send(
                    ctx,
                    new AdminResponse(
                            AdminRefusal.BAD_REQUEST, AdminResponse.JSON, "{\"error\":\"no HTTP request\"}\n"));
            return;
        }
        String path = withoutQuery(request.uri());
        String body = request.content().toString(StandardCharsets.UTF_8);
        // Completes on this loop or on the pool's worker; Netty takes writes from any thread.
        api.handle(request.method().name(), path, body).thenAccept(response -> send(ctx, response));
    }

    private static String withoutQuery(String uri) {
        int query = uri.indexOf('?');
        return query < 0 ? uri : uri.substring(0, query);
    }

    private static void send(ChannelHandlerContext ctx, AdminResponse answer) {
        ByteBuf content = ByteBufUtil.writeUtf8(ctx.alloc(), answer.body());
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()), content);
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, answer.contentType())
                .set(HttpHeaderNames.CONTENT_LENGTH, content.readableBytes())
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        ctx.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof IOException) {
            LOG.debug("admin connection ended why={}", cause.toString());
        } else {
            LOG.warn("admin connection failed", cause);
        }
        ctx.close();
    }
}

package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.ClientLog.Kind;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One admin connection: one request, one answer, then the end. So nothing has to be kept in order or for long. */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
final class AdminHandler extends SimpleChannelInboundHandler<HttpObject> {
    private static final Logger LOG = LoggerFactory.getLogger(AdminHandler.class);

    /** The longest body is a group of 1000 snapshots, each with two names of up to 128 bytes. */
    private static final int BODY_LIMIT_BYTES = 512 << 10;

    /** A client that has not sent its request by then never will. */
    private static final long REQUEST_TIMEOUT_SECONDS = 10;

    private final AdminApi api;
    private final HttpAnswers answers;
    private final EventStream events;
    private final AdminGate gate;
    private final ClientLog log;
    private final StringBuilder body = new StringBuilder();
    private Future<?> timeout;
    private HttpRequest head;
    private int bodyBytes;
    private boolean answering;

    AdminHandler(AdminApi api, HttpAnswers answers, EventStream events, AdminGate gate, ClientLog log) {
        this.api = api;
        this.answers = answers;
        this.events = events;
        this.gate = gate;
        this.log = log;
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

    /** A request arrives in parts: its head, then pieces of its body, the last of them marked. */
    @Override
    protected void channelRead0(ChannelHandlerContext ctx, HttpObject part) {
        if (answering) {
            return;
        }
        if (!part.decoderResult().isSuccess()) {
            refuse(ctx, AdminRefusal.BAD_REQUEST, "this is no HTTP request");
            return;
        }
        if (part instanceof HttpRequest request) {
            head = request;
        }
        if (part instanceof HttpContent content) {
            bodyBytes += content.content().readableBytes();
            if (bodyBytes > BODY_LIMIT_BYTES) {
                refuse(ctx, AdminRefusal.TOO_LARGE, "request body is longer than " + BODY_LIMIT_BYTES + " bytes");
                return;
            }
            body.append(content.content().toString(StandardCharsets.ISO_8859_1));
        }
        if (part instanceof LastHttpContent) {
            answer(ctx);
        }
    }

    private void answer(ChannelHandlerContext ctx) {
        if (!head.uri().startsWith("/")) {
            refuse(ctx, AdminRefusal.BAD_REQUEST, "path must begin with a slash");
            return;
        }
        answering = true;
        timeout.cancel(false);
        // Bytes were kept as they came: a piece may end within a character.
        String text = new String(body.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
        // Completes on this loop, on the pool's worker or aside; Netty takes writes from any thread.
        AdminCaller caller = gate.caller(ctx.channel());
        api.handle(head.method().name(), head.uri(), text, caller)
                .thenAccept(response -> {
                    logChange(caller, text, response);
                    send(ctx, caller, response);
                })
                .whenComplete((sent, failure) -> {
                    if (failure != null) {
                        exceptionCaught(ctx, failure);
                    }
                });
    }

    private void send(ChannelHandlerContext ctx, AdminCaller caller, AdminResponse response) {
        boolean stream = response.isStream();
        if (stream && events.open(ctx.channel(), caller.name(), !response.equals(AdminResponse.EVENTS_ALONE))) {
            return;
        }
        AdminResponse answer = stream ? api.refuse(AdminRefusal.UNAVAILABLE, EventStream.FULL) : response;
        answers.send(ctx.channel(), answer, ctx::close);
    }

    /**
     * One line for each request that may have changed something: who asked for what, and how it ended. Of those that
     * were refused before, and changed nothing, as many as the log has room for. What the caller chose the words of
     * comes last, so that it passes for nothing else.
     */
    private void logChange(AdminCaller caller, String text, AdminResponse response) {
        String method = head.method().name();
        if (method.equals("GET") && response.status() != AdminRefusal.FORBIDDEN) {
            return;
        }
        if (response.status() / 100 == 2) {
            events.changed(method, head.uri(), text, caller.name());
        }
        if (AdminRefusal.isBeforeAnyChange(response.status()) && !log.admits(Kind.ADMIN)) {
            return;
        }
        log.write(
                Kind.ADMIN,
                "={} peer={} status={} path={} body={}",
                NbdText.echo(method),
                caller.name(),
                response.status(),
                NbdText.echo(head.uri()),
                NbdText.echo(text));
    }

    private void refuse(ChannelHandlerContext ctx, int status, String message) {
        answering = true;
        timeout.cancel(false);
        // The client may still be sending, and reads only afterwards: what comes is thrown away until it has done so.
        answers.send(
                ctx.channel(), api.refuse(status, message), () -> ((DuplexChannel) ctx.channel()).shutdownOutput());
        timeout = ctx.executor().schedule(() -> ctx.close(), REQUEST_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
        if (cause instanceof IOException) {
            LOG.debug("admin connection ended why={}", cause.toString());
        } else {
            log.bug(Kind.ADMIN_FAILED, cause, "");
        }
    }
}

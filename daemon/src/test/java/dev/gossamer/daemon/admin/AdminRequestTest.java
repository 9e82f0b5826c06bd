package dev.gossamer.daemon.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.RecordedLog;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Requests that never end, or are longer than any. */
class AdminRequestTest {
    private static final int LIMIT_BYTES = 512 << 10;

    private final StringBuilder answer = new StringBuilder();
    private final EmbeddedChannel channel;

    AdminRequestTest() {
        ClientLog log = RecordedLog.into(new ArrayList<>());
        AdminApi api = new AdminApi(null, null, log);
        // What was sent stays on its way.
        var socket = new ChannelOutboundHandlerAdapter() {
            @Override
            public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
                answer.append(((ByteBuf) message).toString(StandardCharsets.UTF_8));
                ((ByteBuf) message).release();
            }
        };
        channel = new EmbeddedChannel(
                socket,
                new HttpServerCodec(),
                new AdminHandler(api, new HttpAnswers(api.busy()), new EventStream(null, log), new AdminGate(), log));
        channel.freezeTime();
    }

    @AfterEach
    void release() {
        channel.finishAndReleaseAll();
    }

    private void send(String text) {
        channel.writeInbound(channel.alloc().buffer().writeBytes(text.getBytes(StandardCharsets.US_ASCII)));
    }

    private void pass(long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runPendingTasks();
    }

    @Test
    void aBodyBeyondTheLimitIsRefusedBeforeItsEnd() {
        send("POST /v1/volumes HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n");
        for (int sent = 0; sent < LIMIT_BYTES; sent += 64 << 10) {
            send("x".repeat(64 << 10));
        }
        assertEquals("", answer.toString(), "it may still be whole");
        send("x");
        assertTrue(answer.toString().startsWith("HTTP/1.1 413"), answer::toString);
        int length = answer.length();
        send("x".repeat(LIMIT_BYTES));
        assertEquals(length, answer.length(), "the rest is thrown away");
    }

    @Test
    void aRequestThatDoesNotEndIsNotWaitedFor() {
        send("POST /v1/volumes HTTP/1.1\r\nContent-Length: 100\r\n\r\nx");
        for (int i = 0; i < 9; i++) {
            pass(1);
            send("x"); // a byte a second is no progress
        }
        assertTrue(channel.isOpen());
        pass(1);
        assertFalse(channel.isOpen());
    }
}

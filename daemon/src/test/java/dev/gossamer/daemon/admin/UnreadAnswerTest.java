package dev.gossamer.daemon.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.RecordedLog;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Clients of the admin socket that do not take their answers. */
@SuppressWarnings("FutureReturnValueIgnored") // an embedded channel is closed when close() returns
class UnreadAnswerTest {
    private static final AdminResponse BUSY = new AdminResponse(AdminRefusal.UNAVAILABLE, AdminResponse.JSON, "{}");

    private static final int LENGTH = 1 << 20;

    /** A client's socket that takes what it is told to. */
    private static final class Socket extends ChannelOutboundHandlerAdapter {
        private final ArrayDeque<ChannelPromise> waiting = new ArrayDeque<>();
        private final StringBuilder taken = new StringBuilder();
        private long waitingBytes;
        private boolean direct;

        @Override
        public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
            ByteBuf bytes = (ByteBuf) message;
            direct |= bytes.isDirect() && bytes.readableBytes() > 1024;
            waitingBytes += bytes.readableBytes();
            taken.append(bytes.toString(StandardCharsets.UTF_8));
            bytes.release();
            waiting.add(promise);
        }

        void takeAll() {
            waitingBytes = 0;
            for (int i = waiting.size(); i > 0; i--) {
                waiting.remove().setSuccess();
            }
        }
    }

    private final Socket socket = new Socket();
    private final String text = "x".repeat(LENGTH);

    private static void request(EmbeddedChannel channel, String method) {
        channel.writeInbound(channel.alloc()
                .buffer()
                .writeBytes((method + " /metrics HTTP/1.1\r\nHost: x\r\n\r\n").getBytes(StandardCharsets.US_ASCII)));
    }

    private EmbeddedChannel ask(String method, List<String> lines) {
        PoolAdmin pool = (PoolAdmin) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {PoolAdmin.class},
                (proxy, asked, arguments) -> CompletableFuture.completedFuture(text));
        ClientLog log = RecordedLog.into(lines);
        AdminApi api = new AdminApi(pool, null, log);
        AdminHandler handler =
                new AdminHandler(api, new HttpAnswers(api.busy()), new EventStream(pool, log), new AdminGate(), log);
        EmbeddedChannel channel = new EmbeddedChannel(socket, new HttpServerCodec(), handler);
        channel.freezeTime();
        request(channel, method);
        return channel;
    }

    private EmbeddedChannel send() {
        EmbeddedChannel channel = new EmbeddedChannel(socket, new HttpServerCodec());
        channel.freezeTime();
        request(channel, "GET");
        channel.releaseInbound();
        AdminResponse answer = new AdminResponse(200, AdminResponse.JSON, text);
        new HttpAnswers(BUSY).send(channel, answer, channel::close);
        return channel;
    }

    private static void pass(EmbeddedChannel channel, long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runPendingTasks();
    }

    @Test
    void whoTakesNothingHasASliceAndIsClosed() {
        EmbeddedChannel channel = send();
        assertTrue(socket.taken.toString().startsWith("HTTP/1.1 200"), socket.taken::toString);
        assertTrue(socket.waitingBytes <= HttpAnswers.SLICE_BYTES + 1024, () -> "given: " + socket.waitingBytes);
        assertFalse(socket.direct);
        pass(channel, HttpAnswers.PATIENCE_SECONDS - 1);
        assertTrue(channel.isOpen());
        pass(channel, 1);
        assertFalse(channel.isOpen());
    }

    @Test
    void theAdminSocketWaitsForNobodyForEver() {
        EmbeddedChannel channel = ask("GET", new ArrayList<>());
        assertTrue(socket.taken.toString().startsWith("HTTP/1.1 200"), socket.taken::toString);
        assertTrue(socket.waitingBytes <= HttpAnswers.SLICE_BYTES + 1024, () -> "given: " + socket.waitingBytes);
        pass(channel, HttpAnswers.PATIENCE_SECONDS);
        assertFalse(channel.isOpen());
    }

    @Test
    void whoIsSlowHasItAll() {
        EmbeddedChannel channel = send();
        int slices = 0;
        while (channel.isOpen()) {
            slices++;
            pass(channel, HttpAnswers.PATIENCE_SECONDS - 1);
            assertTrue(channel.isOpen(), "it takes some each time");
            socket.takeAll();
            channel.runPendingTasks();
        }
        assertEquals(LENGTH / HttpAnswers.SLICE_BYTES, slices);
        assertTrue(socket.taken.toString().endsWith("\r\n\r\n" + text));
    }

    @Test
    void anAnswerThatFailsOnItsWayEndsTheConnection() {
        EmbeddedChannel channel = ask("POST", List.of()); // which has a line in a log that throws
        assertFalse(channel.isOpen());
    }

    private static EmbeddedChannel send(HttpAnswers answers, int status, int length, List<Integer> statuses) {
        EmbeddedChannel channel = new EmbeddedChannel(new HttpServerCodec());
        request(channel, "GET");
        channel.releaseInbound();
        answers.send(channel, new AdminResponse(status, AdminResponse.JSON, "x".repeat(length)), () -> {});
        ByteBuf head = channel.readOutbound();
        statuses.add(Integer.parseInt(head.toString(StandardCharsets.US_ASCII).substring(9, 12)));
        head.release();
        channel.releaseOutbound();
        return channel;
    }

    @Test
    void answersTogetherHaveABudget() {
        HttpAnswers answers = new HttpAnswers(BUSY);
        List<Integer> statuses = new ArrayList<>();
        int most = (int) HttpAnswers.BUDGET_BYTES;
        EmbeddedChannel first = send(answers, 200, most - 10, statuses);
        send(answers, 200, 10, statuses).close();
        send(answers, 200, 11, statuses).close();
        first.close();
        send(answers, 200, most + 1, statuses).close();
        send(answers, 200, most, statuses).close();
        assertEquals(List.of(200, 200, 503, 200, 200), statuses);
    }

    @Test
    void aConnectionWhoseAnswerCannotBeMadeIsClosed() {
        EmbeddedChannel channel = new EmbeddedChannel(new HttpServerCodec());
        HttpAnswers answers = new HttpAnswers(BUSY);
        assertThrows(
                IllegalArgumentException.class,
                () -> answers.send(channel, new AdminResponse(-1, AdminResponse.JSON, "{}"), () -> {}));
        assertFalse(channel.isOpen());
    }
}

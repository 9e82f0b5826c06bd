package dev.gossamer.daemon.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.RecordedLog;
import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.SpaceStatus;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The event stream's promises to readers, and to the daemon about readers that do not read. */
@SuppressWarnings("FutureReturnValueIgnored") // an embedded channel is closed when close() returns
class EventStreamTest {
    private static final SpaceStatus SPACE =
            new SpaceStatus(1, 0, 0, 0, false, 0, 0, false, 1, 0, false, OnFull.QUEUE, OnFull.QUEUE, 0, 0, 0, 0);
    private static final PoolStatus POOL =
            new PoolStatus(PoolMode.WRITE, "", false, 65536, 1, 0, 1, 0, 1, 0, 0, 0, SPACE, 0, 0, DiscardMode.PASSDOWN);

    private final List<String> lines = new ArrayList<>();
    private final ClientLog log = RecordedLog.into(lines);
    private final List<PoolEvent> happened = new ArrayList<>();
    private int asked;
    private RuntimeException refusal;

    private final PoolAdmin pool = (PoolAdmin) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {PoolAdmin.class}, (proxy, method, arguments) -> {
                asked++;
                if (refusal != null) {
                    throw refusal;
                }
                return CompletableFuture.completedFuture(status());
            });
    private final EventStream events = new EventStream(pool, log);

    private DaemonStatus status() {
        return new DaemonStatus(
                Path.of("/pool"),
                "1",
                "threads",
                List.of(),
                Instant.EPOCH,
                0,
                POOL,
                true,
                SpaceTrend.UNKNOWN,
                happened,
                List.of(),
                List.of());
    }

    private void happens(long number) {
        happened.add(new PoolEvent(number, Instant.EPOCH, PoolEvent.Kind.DATA_LOW, "event " + number));
    }

    /** A client's socket that takes what it is told to. */
    private static final class Socket extends ChannelOutboundHandlerAdapter {
        private final ArrayDeque<ChannelPromise> waiting = new ArrayDeque<>();
        private final StringBuilder sent = new StringBuilder();
        private boolean takes = true;

        @Override
        public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
            ByteBuf bytes = (ByteBuf) message;
            sent.append(bytes.toString(StandardCharsets.UTF_8));
            bytes.release();
            if (takes) {
                promise.setSuccess();
            } else {
                waiting.add(promise);
            }
        }

        void takeAll() {
            takes = true;
            while (!waiting.isEmpty()) {
                waiting.remove().setSuccess();
            }
        }
    }

    private final Socket socket = new Socket();

    private EmbeddedChannel open(Socket client, boolean withStatus) {
        EmbeddedChannel channel = new EmbeddedChannel(client, new HttpServerCodec());
        channel.freezeTime();
        channel.writeInbound(channel.alloc()
                .buffer()
                .writeBytes("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
        channel.releaseInbound();
        assertTrue(events.open(channel, "uid:1,pid:2", withStatus));
        channel.runPendingTasks();
        return channel;
    }

    private static void pass(EmbeddedChannel channel, long seconds) {
        for (long i = 0; i < seconds; i++) {
            channel.advanceTimeBy(1, TimeUnit.SECONDS);
            channel.runPendingTasks();
        }
    }

    private int count(String words) {
        return socket.sent.toString().split(words, -1).length - 1;
    }

    @Test
    void whatIsKnownComesFirstAndThenWhatIsNew() {
        happens(41);
        EmbeddedChannel channel = open(socket, true);
        pass(channel, 1);
        String text = socket.sent.toString();
        assertTrue(text.startsWith("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"), text);
        assertFalse(text.contains("missed"), text);
        assertTrue(text.indexOf("event 41") < text.indexOf("event: now"), text);
        happens(42);
        pass(channel, 3);
        assertEquals(1, count("\"text\":\"event 42\"\\}\n\n"), socket.sent::toString);
        assertTrue(count("event: status\n") >= 3, socket.sent::toString);
        channel.finishAndReleaseAll();
    }

    @Test
    void everyFrameIsTwoLines() {
        happens(1);
        EmbeddedChannel channel = open(socket, true);
        events.changed("PUT", "/v1/volumes/a\nevent: end", "{}", "uid:1,pid:2");
        pass(channel, 2);
        String body = socket.sent.substring(socket.sent.indexOf("\r\n\r\n") + 4);
        for (String frame : body.split("\n\n", -1)) {
            assertTrue(frame.isEmpty() || frame.matches("event: [a-z]+\ndata: \\{.*\\}"), frame);
        }
        channel.finishAndReleaseAll();
    }

    @Test
    void changesAreToldWithWhoMadeThem() {
        EmbeddedChannel channel = open(socket, false);
        events.changed("DELETE", "/v1/volumes/web", "", "uid:1000,pid:7");
        pass(channel, 2);
        assertEquals(1, count("uid:1000,pid:7 DELETE /v1/volumes/web"), socket.sent::toString);
        assertEquals(0, count("event: status"), socket.sent::toString);
        channel.finishAndReleaseAll();
    }

    @Test
    void whoIsSlowIsToldHowManyHeMissedAndWhoDoesNotReadIsCutOffWithAWord() {
        EmbeddedChannel channel = open(socket, true);
        happens(1);
        pass(channel, 1);
        socket.takes = false;
        pass(channel, 1);
        int sent = socket.sent.length();
        happened.clear();
        happens(8);
        pass(channel, EventReader.PATIENCE_TICKS - 2);
        assertEquals(sent, socket.sent.length(), "one piece is on its way, and no more");
        socket.takeAll();
        pass(channel, 1);
        assertEquals(1, count("event: missed\ndata: \\{\"count\":6\\}"), socket.sent::toString);

        socket.takes = false;
        pass(channel, EventReader.PATIENCE_TICKS + 2);
        assertEquals(1, count("event: end\ndata: \\{\"why\":\"events were not taken"), socket.sent::toString);
        assertTrue(channel.isOpen(), "it may still take its last word");
        assertTrue(lines.toString().contains("uid:1,pid:2 why=it does not take the events"), lines::toString);
        int last = socket.sent.length();
        pass(channel, EventReader.PATIENCE_TICKS + 1);
        assertEquals(last, socket.sent.length());
        assertFalse(channel.isOpen());
    }

    @Test
    void readersHaveALimitAndAnEndGivesThePlaceBack() {
        List<EmbeddedChannel> readers = new ArrayList<>();
        for (int i = 0; i < EventStream.LIMIT; i++) {
            readers.add(open(new Socket(), false));
        }
        EmbeddedChannel late = new EmbeddedChannel(new HttpServerCodec());
        assertFalse(events.open(late, "x", true));
        assertTrue(late.isOpen(), "whoever asks for it answers it");
        readers.getLast().close();
        assertTrue(events.open(readers.getFirst(), "x", false));
        readers.forEach(EmbeddedChannel::finishAndReleaseAll);
        late.finishAndReleaseAll();
    }

    @Test
    void nobodyAsksThePoolWhileNobodyReads() {
        EmbeddedChannel channel = open(socket, true);
        pass(channel, 2);
        channel.close();
        channel.runPendingTasks();
        int before = asked;
        pass(channel, 5);
        assertEquals(before, asked);
    }

    @Test
    void aPoolThatThrowsIsAskedAgain() {
        refusal = new IllegalStateException("closed");
        EmbeddedChannel channel = open(socket, true);
        pass(channel, 2);
        refusal = null;
        pass(channel, 2);
        assertTrue(count("event: status\n") > 0, socket.sent::toString);
        channel.finishAndReleaseAll();
    }

    @Test
    void whenTheDaemonStopsReadersHearOfIt() {
        EmbeddedChannel channel = open(socket, true);
        events.stop();
        channel.runPendingTasks();
        assertEquals(1, count("event: end\ndata: \\{\"why\":\"the daemon is stopping\"\\}"), socket.sent::toString);
        assertFalse(channel.isOpen());
    }

    @Test
    void whoHearsNothingForLongHearsThatHeIsStillThere() {
        EmbeddedChannel channel = open(socket, false);
        pass(channel, 40);
        assertEquals(2, count("\n:\n"), socket.sent::toString);
        channel.finishAndReleaseAll();
    }
}

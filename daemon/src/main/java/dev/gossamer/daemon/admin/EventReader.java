package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.server.access.ClientLog;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One connection that reads an {@link EventStream}. Its state belongs to its loop. */
@SuppressWarnings("FutureReturnValueIgnored") // a write is listened to; a close cannot fail
final class EventReader {
    /** A reader that takes nothing for so many ticks is told so and closed. */
    static final int PATIENCE_TICKS = 10;

    /** A line without meaning, so often, that tells what lies between whether anybody is there. */
    private static final int QUIET_TICKS = 15;

    private static final byte[] STILL_HERE = ":\n\n".getBytes(StandardCharsets.UTF_8);

    private final Channel channel;
    private final String peer;
    private final boolean withStatus;
    private final ClientLog log;
    private final Seen pool = new Seen("pool");
    private final Seen changes = new Seen("change");
    private boolean told;
    private boolean writing;
    private boolean over;
    private int waited;
    private int quiet;

    EventReader(Channel channel, String peer, boolean withStatus, ClientLog log) {
        this.channel = channel;
        this.peer = peer;
        this.withStatus = withStatus;
        this.log = log;
    }

    boolean wantsStatus() {
        return withStatus;
    }

    static byte[] frame(String event, JsonNode data) {
        return ("event: " + event + "\ndata: " + data + "\n\n").getBytes(StandardCharsets.UTF_8);
    }

    /** How far it has read one list of numbered events. */
    private static final class Seen {
        private final String name;
        private long number = -1;

        Seen(String name) {
            this.name = name;
        }

        /** Appends what is new, and how many were forgotten before it could be told. */
        void append(StringBuilder text, List<ObjectNode> events) {
            if (events.isEmpty()) {
                number = Math.max(number, 0);
                return;
            }
            long first = events.getFirst().path("number").asLong();
            if (number < 0) {
                number = first - 1; // What was before he came he has not missed.
            }
            if (first > number + 1) {
                append(text, "missed", JsonNodeFactory.instance.objectNode().put("count", first - number - 1));
            }
            for (ObjectNode event : events) {
                if (event.path("number").asLong() > number) {
                    append(text, name, event);
                }
            }
            number = events.getLast().path("number").asLong();
        }

        private static void append(StringBuilder text, String name, JsonNode event) {
            text.append("event: ").append(name).append("\ndata: ").append(event).append("\n\n");
        }
    }

    /** Answers the request with a head that has no length: the stream ends with the connection. */
    void begin() {
        HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        head.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, AdminResponse.EVENT_STREAM)
                .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE)
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        write(head);
    }

    /**
     * What there is to tell now; what of it he knows already is left out. Any thread.
     *
     * @param status a frame of it
     */
    void offer(List<ObjectNode> happened, List<ObjectNode> changed, byte[] status) {
        onLoop(() -> {
            if (over) {
                return;
            }
            if (writing) {
                waited++;
                if (waited >= PATIENCE_TICKS) {
                    log.line(
                            ClientLog.Kind.DROPPED,
                            " peer={} why={}",
                            peer,
                            "it does not take the events it asked for");
                    endNow("events were not taken for " + PATIENCE_TICKS + " s; connect again");
                }
                return;
            }
            waited = 0;
            StringBuilder text = new StringBuilder();
            pool.append(text, happened);
            changes.append(text, changed);
            if (!told) {
                told = true;
                Seen.append(
                        text,
                        "now",
                        JsonNodeFactory.instance
                                .objectNode()
                                .put("at", Instant.now().toString()));
            }
            tell(text.toString().getBytes(StandardCharsets.UTF_8), withStatus ? status : new byte[0]);
        });
    }

    private void tell(byte[] events, byte[] status) {
        boolean nothing = events.length + status.length == 0;
        quiet = nothing ? quiet + 1 : 0;
        if (nothing && quiet < QUIET_TICKS) {
            return;
        }
        if (nothing) {
            quiet = 0;
        }
        write(new DefaultHttpContent(
                nothing ? Unpooled.wrappedBuffer(STILL_HERE) : Unpooled.wrappedBuffer(events, status)));
    }

    private void write(Object message) {
        writing = true;
        channel.writeAndFlush(message).addListener(written -> {
            writing = false;
            if (!written.isSuccess()) {
                channel.close();
            }
        });
    }

    /** Ends the stream, with a word. Any thread. */
    void end(String why) {
        onLoop(() -> {
            if (!over) {
                endNow(why);
            }
        });
    }

    /** The word waits behind what has not been taken, and so does the end, but not for ever. */
    private void endNow(String why) {
        over = true;
        byte[] word = frame("end", JsonNodeFactory.instance.objectNode().put("why", why));
        channel.writeAndFlush(new DefaultLastHttpContent(Unpooled.wrappedBuffer(word)))
                .addListener(written -> channel.close());
        channel.eventLoop().schedule(() -> channel.close(), PATIENCE_TICKS, TimeUnit.SECONDS);
    }

    private void onLoop(Runnable task) {
        if (channel.eventLoop().inEventLoop()) {
            task.run();
        } else {
            channel.eventLoop().execute(task);
        }
    }
}

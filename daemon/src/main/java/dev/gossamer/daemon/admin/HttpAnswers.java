package dev.gossamer.daemon.admin;

import io.netty.buffer.ByteBuf;
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
import io.netty.util.concurrent.Future;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A server's answers on their way to clients that may not take them: each is text in an array of its exact size, of
 * which one slice at a time is in the hands of the network. Who takes no slice for a while is closed, and so is whose
 * answer cannot be sent. Beyond a budget of all together there is a short answer instead. Any thread.
 */
@SuppressWarnings("FutureReturnValueIgnored") // A write is listened to; what does not close says so itself.
final class HttpAnswers {
    /** Bytes of one write: less than a socket takes at once, so that its end is progress. */
    static final int SLICE_BYTES = 32 << 10;

    /** Bytes of all answers under way; one that is larger is sent alone. */
    static final long BUDGET_BYTES = 32 << 20;

    /** Who takes no slice in this time never will. */
    static final long PATIENCE_SECONDS = 10;

    static final String BUSY = "too many answers wait for clients that do not read them; try again later";

    private final AtomicLong underWayBytes = new AtomicLong();
    private final AdminResponse busy;

    /** @param busy told in the place of an answer that there is no room for */
    HttpAnswers(AdminResponse busy) {
        this.busy = busy;
    }

    /**
     * Sends an answer, the only one of its connection.
     *
     * @param then what follows the last byte, on the channel's loop; if the connection ends before, nothing does
     */
    void send(Channel channel, AdminResponse answer, Runnable then) {
        if (channel.eventLoop().inEventLoop()) {
            begin(channel, answer, then);
        } else {
            channel.eventLoop().execute(() -> begin(channel, answer, then));
        }
    }

    private void begin(Channel channel, AdminResponse answer, Runnable then) {
        boolean begun = false;
        try {
            byte[] text = answer.body().getBytes(StandardCharsets.UTF_8);
            if (take(channel, text.length)) {
                new Sending(channel, text, then).begin(answer);
            } else {
                new Sending(channel, busy.body().getBytes(StandardCharsets.UTF_8), then).begin(busy);
            }
            begun = true;
        } finally {
            if (!begun) {
                channel.close();
            }
        }
    }

    /** Until the channel is closed. */
    private boolean take(Channel channel, long bytes) {
        long all = underWayBytes.addAndGet(bytes);
        if (all > BUDGET_BYTES && all > bytes) {
            underWayBytes.addAndGet(-bytes);
            return false;
        }
        channel.closeFuture().addListener(closed -> underWayBytes.addAndGet(-bytes));
        return true;
    }

    /** One answer. On the channel's loop. */
    private static final class Sending {
        private final Channel channel;
        private final byte[] text;
        private final Runnable then;
        private int given;
        private Future<?> clock;

        Sending(Channel channel, byte[] text, Runnable then) {
            this.channel = channel;
            this.text = text;
            this.then = then;
        }

        void begin(AdminResponse answer) {
            HttpResponse head =
                    new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()));
            head.headers()
                    .set(HttpHeaderNames.CONTENT_TYPE, answer.contentType())
                    .set(HttpHeaderNames.CONTENT_LENGTH, text.length)
                    .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            channel.write(head);
            next();
        }

        private void next() {
            int length = Math.min(SLICE_BYTES, text.length - given);
            ByteBuf slice = Unpooled.wrappedBuffer(text, given, length);
            given += length;
            clock = channel.eventLoop().schedule(() -> channel.close(), PATIENCE_SECONDS, TimeUnit.SECONDS);
            channel.writeAndFlush(
                            given < text.length ? new DefaultHttpContent(slice) : new DefaultLastHttpContent(slice))
                    .addListener(written -> {
                        clock.cancel(false);
                        written(written.isSuccess());
                    });
        }

        private void written(boolean success) {
            if (!success) {
                channel.close();
            } else if (given < text.length) {
                next();
            } else {
                then.run();
            }
        }
    }
}

package dev.gossamer.daemon.server.stream;

import dev.gossamer.daemon.server.stream.ConnectionLife.State;
import dev.gossamer.nbd.transmission.ReplyEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client behind a Netty channel. Reply headers gather in one buffer. A flush sends several replies at once, but does
 * not wait for all that the turn of the event loop brings: the client gets to work on the first while the rest are
 * made.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
public final class ChannelStream extends ChannelInboundHandlerAdapter implements ClientStream {
    private static final Logger LOG = LoggerFactory.getLogger(ChannelStream.class);

    /** Room for 64 acknowledgements, or for the header of a read and the acknowledgements before it. */
    private static final int HEADERS_BYTES = 1024;

    /**
     * Replies that may wait for company. One flush for each costs a system call each; one for all that a turn of the
     * loop brings leaves the client idle meanwhile. The number lies between the two; which one is best was not settled,
     * as the measurements scatter more than the choices differ.
     */
    private static final int FLUSH_REPLIES = 4;

    private final Channel channel;
    private final Listener listener;
    private final ConnectionLife life;
    private final Runnable flushTask = this::flushRest;
    private ChannelHandlerContext ctx;
    // Bytes that were read from the socket behind a command that had to wait; null if there are none.
    private ByteBuf unread;
    private ByteBuf headers;
    private int unflushed;
    private boolean flushScheduled;

    public ChannelStream(Channel channel, Listener listener) {
        this.channel = channel;
        this.listener = listener;
        this.life = listener.life();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        ctx = context;
        if (!channel.isActive()) {
            // The peer left during the last step of the handshake; channelInactive went to the handler before this one.
            ended();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        if (!life.mayReceive()) {
            bytes.release();
            return;
        }
        // Reading has been switched off when bytes are left, but what was already on its way still comes: one or two
        // reads.
        unread = unread == null ? bytes : ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(context.alloc(), unread, bytes);
        resume();
    }

    @Override
    public void resume() {
        if (!life.mayReceive()) {
            return;
        }
        boolean more = listener.take(unread == null ? Unpooled.EMPTY_BUFFER : unread);
        if (unread != null && !unread.isReadable()) {
            unread.release();
            unread = null;
        }
        if (life.mayReceive() && channel.config().isAutoRead() != more) {
            channel.config().setAutoRead(more);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (channel.isWritable()) {
            listener.writable();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        ended();
    }

    private void ended() {
        if (life.advance(State.CLOSED)) {
            if (headers != null) {
                headers.release();
                headers = null;
            }
            if (unread != null) {
                unread.release();
                unread = null;
            }
            listener.closed();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof ChannelInputShutdownEvent && life.mayReceive()) {
            listener.inputEnded();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof IOException) {
            // A peer that goes away without a word is an ordinary end (T37).
            LOG.debug("connection ended peer={} why={}", channel.remoteAddress(), cause.toString());
        } else {
            LOG.error("connection failed peer={}", channel.remoteAddress(), cause);
        }
        close();
    }

    // ---- replies ----

    @Override
    public ByteBuf header() {
        if (unflushed == FLUSH_REPLIES) {
            flush();
        }
        if (headers != null && headers.writableBytes() < ReplyEncoder.LONGEST_HEADER_BYTES) {
            writeHeaders();
        }
        if (headers == null) {
            headers = ctx.alloc().directBuffer(HEADERS_BYTES, HEADERS_BYTES);
        }
        return headers;
    }

    @Override
    public void data(ByteBuf bytes) {
        if (headers != null) {
            writeHeaders();
        }
        write(bytes);
    }

    @Override
    public void endReply() {
        unflushed++;
        if (!flushScheduled) {
            flushScheduled = true;
            channel.eventLoop().execute(flushTask);
        }
    }

    @Override
    public boolean isWritable() {
        return channel.isWritable();
    }

    @Override
    public void finish() {
        flush();
        ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void close() {
        life.advance(State.CLOSING);
        ctx.close();
    }

    @Override
    public long unsentBytes() {
        var output = channel.unsafe().outboundBuffer();
        return output == null ? 0 : output.totalPendingWriteBytes();
    }

    @Override
    public long sendProgress() {
        var output = channel.unsafe().outboundBuffer();
        return output == null ? 0 : output.currentProgress();
    }

    private void writeHeaders() {
        ByteBuf ready = headers;
        headers = null;
        if (ready.isReadable()) {
            write(ready);
        } else {
            ready.release();
        }
    }

    // A void promise costs no object; a failure arrives as an exception of the channel, which ends the connection.
    private void write(ByteBuf message) {
        ctx.write(message, ctx.voidPromise());
    }

    private void flushRest() {
        flushScheduled = false;
        flush();
    }

    private void flush() {
        unflushed = 0;
        if (!life.maySend()) {
            return;
        }
        if (headers != null) {
            writeHeaders();
        }
        ctx.flush();
    }
}

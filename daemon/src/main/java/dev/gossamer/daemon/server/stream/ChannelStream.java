package dev.gossamer.daemon.server.stream;

import dev.gossamer.daemon.server.stream.ConnectionLife.State;
import dev.gossamer.io.ring.PeerEnd;
import dev.gossamer.nbd.transmission.ReplyEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client behind a Netty channel. Reply headers gather in one buffer. A flush sends several replies at once, but does
 * not wait for all that the turn of the event loop brings: the client gets to work on the first while the rest are
 * made.
 *
 * <p>The channel gets no more than the socket is about to take. What it got may be memory beside the loop's: TLS makes
 * a copy, encrypted, and gives the data back. So the copy of one connection has a bound, and what its client does not
 * take goes on counting as what it holds ({@link PieceQueue}).
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
public final class ChannelStream extends ChannelInboundHandlerAdapter implements ClientStream {
    private static final Logger LOG = LoggerFactory.getLogger(ChannelStream.class);

    /** Room for 64 acknowledgements, or for the header of a read and the acknowledgements before it. */
    private static final int HEADERS_BYTES = 1024;

    /** Bytes on their way through the channel, beyond which it gets no further piece. Keeps a socket busy. */
    static final int CHANNEL_BYTES = 64 << 10;

    /** A piece for TLS: the payload of its largest record. */
    private static final int RECORD_BYTES = 16 << 10;

    /** Encryption takes time that belongs to the other connections of the loop as well: so much at a time. */
    private static final int TURN_BYTES = 256 << 10;

    /**
     * Replies that may wait for company. One flush for each costs a system call each; one for all that a turn of the
     * loop brings leaves the client idle meanwhile. The number lies between the two; which one is best was not settled,
     * as the measurements scatter more than the choices differ.
     */
    private static final int FLUSH_REPLIES = 4;

    private final Channel channel;
    private final Listener listener;
    private final int unsentLimitBytes;
    private final PieceQueue queue = new PieceQueue();
    private final ConnectionLife life;
    private final Runnable flushTask = this::flushRest;
    private ChannelHandlerContext ctx;
    // Bytes that were read from the socket behind a command that had to wait; null if there are none.
    private ByteBuf unread;
    private ByteBuf headers;
    private int unflushed;
    private boolean flushScheduled;
    private boolean pumping;
    // Somebody was told that there is no room, and waits for some.
    private boolean full;
    private boolean finishing;
    // What the channel gets at a time; a whole piece if it makes no copy.
    private int pieceBytes = Integer.MAX_VALUE;
    private long pumpedBytes;

    /** @param unsentLimitBytes replies that may wait before the stream is not {@link #isWritable} */
    public ChannelStream(Channel channel, Listener listener, int unsentLimitBytes) {
        this.channel = channel;
        this.listener = listener;
        this.unsentLimitBytes = unsentLimitBytes;
        this.life = listener.life();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        ctx = context;
        try {
            prepare(context);
        } catch (RuntimeException | Error fault) {
            listener.fail(fault); // Netty would only take the handler away
        }
    }

    private void prepare(ChannelHandlerContext context) {
        if (context.pipeline().get(SslHandler.class) != null) {
            pieceBytes = RECORD_BYTES;
        }
        channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(CHANNEL_BYTES / 2, CHANNEL_BYTES));
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
        // A channel that a failed write has closed tells so later, and must not be asked for more until then.
        if (life.mayReceive() && channel.isOpen() && channel.config().isAutoRead() != more) {
            channel.config().setAutoRead(more);
        }
    }

    @Override
    public void lookForClient() {
        if (life.mayReceive() && !channel.config().isAutoRead() && PeerEnd.hasHungUp(channel)) {
            listener.inputEnded(); // what it sent before is dropped, not executed (T51a)
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (channel.isWritable()) {
            pump();
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
            queue.close();
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
        if (cause instanceof IOException || cause instanceof UncheckedIOException) {
            // A peer that goes away without a word is an ordinary end (T37).
            LOG.debug("connection ended peer={} why={}", channel.remoteAddress(), cause.toString());
            close();
        } else {
            listener.fail(cause);
        }
    }

    // ---- replies ----

    @Override
    public ByteBuf header() {
        if (unflushed == FLUSH_REPLIES) {
            flush();
        }
        if (headers != null && headers.writableBytes() < ReplyEncoder.LONGEST_HEADER_BYTES) {
            queueHeaders();
            headers.release();
            headers = null;
        }
        if (headers == null) {
            headers = ctx.alloc().directBuffer(HEADERS_BYTES, HEADERS_BYTES);
        }
        return headers;
    }

    @Override
    public void data(ByteBuf bytes) {
        try {
            queueHeaders();
            queue.add(bytes);
        } catch (RuntimeException | Error fault) {
            bytes.release();
            throw fault;
        }
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
        boolean room = unsentBytes() < unsentLimitBytes && queue.headerBytes() < SendQueue.HEADERS_LIMIT_BYTES;
        full |= !room;
        return room;
    }

    @Override
    public void finish() {
        finishing = true;
        flush();
    }

    @Override
    public void close() {
        life.advance(State.CLOSING);
        ChannelHandlerContext tls = ctx.pipeline().context(SslHandler.class);
        // TLS would want to say goodbye, and wait for a peer that takes nothing.
        (tls == null ? ctx : tls).close();
    }

    @Override
    public long unsentBytes() {
        var output = channel.unsafe().outboundBuffer();
        return queue.bytes() + (output == null ? 0 : output.totalPendingWriteBytes());
    }

    @Override
    public long sendProgress() {
        var output = channel.unsafe().outboundBuffer();
        return pumpedBytes - (output == null ? 0 : output.totalPendingWriteBytes());
    }

    /** What has been written of the headers; the rest of their memory is for the next ones. */
    private void queueHeaders() {
        if (headers != null && headers.isReadable()) {
            ByteBuf written = headers.readRetainedSlice(headers.readableBytes());
            try {
                queue.addHeader(written);
            } catch (RuntimeException | Error fault) {
                written.release();
                throw fault;
            }
        }
    }

    /** A task of the event loop's: what it throws nobody else would hear of, and replies would be missing. */
    private void flushRest() {
        flushScheduled = false;
        try {
            flush();
        } catch (RuntimeException | Error fault) {
            listener.fail(fault);
        }
    }

    private void flush() {
        unflushed = 0;
        if (life.maySend()) {
            queueHeaders();
            pump();
        }
    }

    /** Gives the channel what there is, as far as the socket takes it; the rest follows as it does. */
    private void pump() {
        if (pumping || !life.maySend()) {
            return;
        }
        pumping = true;
        long turnEnd = pumpedBytes + TURN_BYTES;
        try {
            do {
                while (channel.isWritable() && !queue.isEmpty()) {
                    ByteBuf piece = queue.take(pieceBytes);
                    pumpedBytes += piece.readableBytes();
                    // A void promise costs no object; a failure arrives as an exception of the channel, which ends it.
                    ctx.write(piece, ctx.voidPromise());
                }
                ctx.flush();
            } while (channel.isWritable() && !queue.isEmpty() && pumpedBytes < turnEnd);
        } finally {
            pumping = false;
        }
        pumped();
    }

    private void pumped() {
        if (queue.isEmpty() && finishing) {
            ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        if (channel.isWritable() && !queue.isEmpty() && !flushScheduled) {
            flushScheduled = true;
            channel.eventLoop().execute(flushTask);
        }
        if (full && isWritable()) {
            full = false;
            listener.writable();
        }
    }
}

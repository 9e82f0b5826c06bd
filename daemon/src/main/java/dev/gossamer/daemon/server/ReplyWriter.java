package dev.gossamer.daemon.server;

import dev.gossamer.nbd.transmission.ReplyEncoder;
import dev.gossamer.nbd.wire.NbdError;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;

/**
 * The replies of one connection, in the order of the calls: each is one run of bytes, never mixed with another (T22).
 * Replies without data gather in one buffer. A flush sends several replies at once, but does not wait for all that the
 * turn of the event loop brings: the client gets to work on the first while the rest are being made.
 *
 * <p>Confined to the connection's event loop.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
final class ReplyWriter {
    /** Room for 64 acknowledgements, or for the header of a read and the acknowledgements before it. */
    private static final int HEADERS_BYTES = 1024;

    /**
     * Replies that may wait for company. Waiting for all that a turn of the loop brings makes client and server take
     * turns; a flush for each reply costs a system call each. Four measured best with 32 reads under way.
     */
    private static final int FLUSH_REPLIES = 4;

    private final ChannelHandlerContext ctx;
    private final boolean structured;
    private final Runnable flushTask = this::flushRest;
    private ByteBuf headers;
    private int unflushed;
    private boolean flushScheduled;
    private boolean closed;

    ReplyWriter(ChannelHandlerContext ctx, boolean structured) {
        this.ctx = ctx;
        this.structured = structured;
    }

    /** Success of a command that returns no data. */
    void done(long cookie) {
        ReplyEncoder.simpleReply(header(), NbdError.OK, cookie);
    }

    /** Success of a READ of nothing. */
    void nothingRead(long cookie, long offsetBytes) {
        ReplyEncoder.readReplyHeader(header(), structured, cookie, offsetBytes, 0);
    }

    /** Success of a READ. Owns {@code data} from here on, even if it cannot be sent. */
    void dataRead(long cookie, long offsetBytes, ReplyData data) {
        ReplyEncoder.readReplyHeader(header(), structured, cookie, offsetBytes, data.readableBytes());
        writeHeaders();
        write(data);
    }

    /** Failure of any command. */
    void failed(int command, int nbdError, long cookie, String text) {
        ReplyEncoder.errorReply(header(), structured, command, nbdError, cookie, text);
    }

    /** Sends what there is, then closes the channel. */
    void finish() {
        flush();
        ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    /** The channel is gone: nothing may be written any more. */
    void close() {
        closed = true;
        if (headers != null) {
            headers.release();
            headers = null;
        }
    }

    private ByteBuf header() {
        if (unflushed == FLUSH_REPLIES) {
            flush();
        }
        if (headers != null && headers.writableBytes() < ReplyEncoder.LONGEST_HEADER_BYTES) {
            writeHeaders();
        }
        if (headers == null) {
            headers = ctx.alloc().directBuffer(HEADERS_BYTES, HEADERS_BYTES);
        }
        unflushed++;
        if (!flushScheduled) {
            flushScheduled = true;
            ctx.channel().eventLoop().execute(flushTask);
        }
        return headers;
    }

    private void writeHeaders() {
        ByteBuf ready = headers;
        headers = null;
        write(ready);
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
        if (closed) {
            return;
        }
        if (headers != null) {
            writeHeaders();
        }
        ctx.flush();
    }
}

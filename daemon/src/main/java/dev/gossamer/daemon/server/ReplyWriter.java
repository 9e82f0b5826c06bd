package dev.gossamer.daemon.server;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.transmission.ReplyEncoder;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusQuery;
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
     * Replies that may wait for company. One flush for each costs a system call each; one for all that a turn of the loop
     * brings leaves the client idle meanwhile. The number lies between the two; which one is best was not settled, as the
     * measurements scatter more than the choices differ.
     */
    private static final int FLUSH_REPLIES = 4;

    private final ChannelHandlerContext ctx;
    private final ReplyEncoder encoder;
    private final boolean structured;
    private final int longestChunkBytes;
    private final Runnable flushTask = this::flushRest;
    private ByteBuf headers;
    private int unflushed;
    private boolean flushScheduled;
    private boolean closed;

    ReplyWriter(ChannelHandlerContext ctx, NegotiatedExport negotiated) {
        this.ctx = ctx;
        this.encoder = new ReplyEncoder(negotiated);
        this.structured = negotiated.structuredReplies();
        this.longestChunkBytes = negotiated.export().maximumPayloadBytes();
    }

    /** Success of a command that returns no data. */
    void done(long cookie, long offsetBytes) {
        encoder.doneReply(header(), cookie, offsetBytes);
    }

    /** Success of a READ of nothing. */
    void nothingRead(long cookie, long offsetBytes) {
        encoder.readReplyHeader(header(), cookie, offsetBytes, 0);
    }

    /** Success of a READ where nothing is mapped; structured replies only. */
    void holeRead(long cookie, long offsetBytes, long lengthBytes) {
        encoder.holeChunk(header(), NbdReply.FLAG_DONE, cookie, offsetBytes, offsetBytes, lengthBytes);
    }

    /**
     * Success of a READ. Owns {@code data} from here on, even if it cannot be sent.
     *
     * @return bytes of data to be sent
     */
    int dataRead(long cookie, long offsetBytes, ReplyData data) {
        int lengthBytes = data.readableBytes();
        int left = lengthBytes;
        long position = offsetBytes;
        // Longer than a chunk may be: the client allows replies in pieces, or the validator would have refused it
        // (T20).
        while (left > longestChunkBytes) {
            encoder.dataChunkHeader(header(), 0, cookie, offsetBytes, position, longestChunkBytes);
            writeHeaders();
            write(data.readRetainedSlice(longestChunkBytes));
            position += longestChunkBytes;
            left -= longestChunkBytes;
        }
        if (position == offsetBytes) {
            encoder.readReplyHeader(header(), cookie, offsetBytes, left);
        } else {
            encoder.dataChunkHeader(header(), NbdReply.FLAG_DONE, cookie, offsetBytes, position, left);
        }
        writeHeaders();
        write(data);
        return lengthBytes;
    }

    /**
     * Success of a READ that has holes; structured replies only. Owns {@code data} as {@link #dataRead} does.
     *
     * @param data the whole range; what the layout calls a hole is left out
     * @return bytes of data to be sent
     */
    int sparseRead(long cookie, long offsetBytes, ReplyData data, ReadLayout layout) {
        int sentBytes = 0;
        for (int i = 0; i < layout.runs(); i++) {
            long position = layout.beginBytes(i);
            long end = layout.endBytes(i);
            boolean last = i == layout.runs() - 1;
            if (layout.isHole(i)) {
                encoder.holeChunk(
                        header(), last ? NbdReply.FLAG_DONE : 0, cookie, offsetBytes, position, end - position);
                data.skipBytes((int) (end - position));
            }
            while (!layout.isHole(i) && position < end) {
                int pieceBytes = (int) Math.min(end - position, longestChunkBytes);
                boolean done = last && position + pieceBytes == end;
                encoder.dataChunkHeader(
                        header(), done ? NbdReply.FLAG_DONE : 0, cookie, offsetBytes, position, pieceBytes);
                writeHeaders();
                write(data.readRetainedSlice(pieceBytes));
                position += pieceBytes;
                sentBytes += pieceBytes;
            }
        }
        data.release();
        return sentBytes;
    }

    /** Success of a BLOCK_STATUS: one chunk per context. */
    void status(long cookie, long offsetBytes, StatusQuery answered, int[] contextIds) {
        int contexts = answered.contexts();
        for (int i = 0; i < contexts; i++) {
            int flags = i == contexts - 1 ? NbdReply.FLAG_DONE : 0;
            int count = Math.min(answered.count(i), ReplyEncoder.DESCRIPTOR_LIMIT);
            header();
            writeHeaders();
            ByteBuf chunk = ctx.alloc().directBuffer(ReplyEncoder.blockStatusChunkBytes(count));
            encoder.blockStatusChunk(
                    chunk, flags, cookie, offsetBytes, contextIds[i], lengthsAndFlags(answered, i, count), count);
            write(chunk);
        }
    }

    private static long[] lengthsAndFlags(StatusQuery answered, int context, int count) {
        long[] pairs = new long[2 * count];
        for (int i = 0; i < count; i++) {
            pairs[2 * i] = answered.lengthBytes(context, i);
            pairs[2 * i + 1] = answered.flags(context, i);
        }
        return pairs;
    }

    /** Failure of any command. */
    void failed(int command, int nbdError, long cookie, long offsetBytes, String text) {
        encoder.errorReply(header(), command, nbdError, cookie, offsetBytes, text);
    }

    /** Failure, at a known place if {@code errorOffsetBytes} is not {@link BlockRequest#NO_PART} (T14, T39). */
    void failedAt(long errorOffsetBytes, int command, int nbdError, long cookie, long offsetBytes, String text) {
        if (errorOffsetBytes == BlockRequest.NO_PART || !structured) {
            failed(command, nbdError, cookie, offsetBytes, text);
        } else {
            encoder.errorOffsetReply(header(), command, nbdError, cookie, offsetBytes, text, errorOffsetBytes);
        }
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
        if (closed) {
            return;
        }
        if (headers != null) {
            writeHeaders();
        }
        ctx.flush();
    }
}

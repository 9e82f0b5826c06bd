package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.io.IOException;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Server side of the fixed newstyle handshake on one connection. Owned by the connection's event loop.
 *
 * <ol>
 *   <li>{@code NEW}: waits for the channel to become active, then greets.
 *   <li>{@code CLIENT_FLAGS}: waits for four bytes.
 *   <li>{@code OPTION_HEADER}, then {@code OPTION_DATA} or {@code SKIP_DATA}: one option after the other, each with
 *       exactly one final reply. Only whole options are looked into, so no length inside one can make us wait.
 *   <li>{@code LISTING}: the answer to LIST is being sent, as fast as the peer takes it.
 *   <li>{@code NEGOTIATED}: bytes that are left belong to the next handler; {@code CLOSED}: bytes are thrown away.
 * </ol>
 *
 * Memory: input is kept only while an option is incomplete, so at most {@link #DATA_LIMIT_BYTES} and one read of the
 * channel; it grows with what arrived, never by a length the peer announced. Output is bounded because a peer that does
 * not take its replies is not read from.
 */
public final class HandshakeHandler extends ByteToMessageDecoder {
    /** A GO needs 4102 bytes and 2 per item; a generous multiple, also for lists of queries (H8). */
    static final int DATA_LIMIT_BYTES = 128 << 10;

    /** Options up to this length are skipped to stay in step; more is an attack or a foreign protocol (H8). */
    static final int SKIP_LIMIT_BYTES = 1 << 20;

    /** Far above any client that does not list (H12). */
    static final int BASE_OPTIONS = 64;

    /** Clients that list send two options per export over the same connection; twice that (H12). */
    static final int OPTIONS_PER_EXPORT = 4;

    /** A LIST answer is written in pieces of about this size, with a look at the peer's pace after each. */
    private static final int LIST_PIECE_BYTES = 32 << 10;

    private static final int CLIENT_FLAGS = NbdFlags.FIXED_NEWSTYLE | NbdFlags.NO_ZEROES;
    private static final Logger LOG = LoggerFactory.getLogger(HandshakeHandler.class);

    private enum State {
        NEW,
        CLIENT_FLAGS,
        OPTION_HEADER,
        OPTION_DATA,
        SKIP_DATA,
        LISTING,
        NEGOTIATED,
        CLOSED
    }

    private final ExportDirectory directory;
    private final HandshakeLimits limits;
    private final HandshakeListener listener;

    private State state = State.NEW;
    private HandshakeClock clock;
    private boolean noZeroes;
    private boolean structuredReplies;
    private int optionCount;
    private int option;
    private int dataBytes;
    private int skippedReply;
    private Iterator<ExportInfo> listing = Collections.emptyIterator();
    private boolean paused;

    public HandshakeHandler(ExportDirectory directory, HandshakeLimits limits, HandshakeListener listener) {
        this.directory = directory;
        this.limits = limits;
        this.listener = listener;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        if (ctx.channel().isActive()) {
            greet(ctx);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        greet(ctx);
        ctx.fireChannelActive();
    }

    private void greet(ChannelHandlerContext ctx) {
        if (state != State.NEW) {
            return;
        }
        state = State.CLIENT_FLAGS;
        clock = new HandshakeClock(ctx.executor(), limits, () -> drop(ctx, "handshake timed out"));
        ByteBuf out = ctx.alloc().buffer(NbdMagic.GREETING_BYTES);
        OptionReply.greeting(out);
        send(ctx, out);
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext ctx) {
        if (clock != null) {
            clock.stop();
        }
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        boolean progress;
        do {
            progress = switch (state) {
                case NEW, LISTING, NEGOTIATED -> false;
                case CLIENT_FLAGS -> readClientFlags(ctx, in);
                case OPTION_HEADER -> readOptionHeader(ctx, in);
                case OPTION_DATA -> readOptionData(ctx, in);
                case SKIP_DATA -> skipData(ctx, in);
                case CLOSED -> {
                    in.skipBytes(in.readableBytes());
                    yield false;
                }
            };
        } while (progress);
    }

    private boolean readClientFlags(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < NbdMagic.CLIENT_FLAGS_BYTES) {
            return false;
        }
        int flags = in.readInt();
        if ((flags & ~CLIENT_FLAGS) != 0) {
            return drop(ctx, "unknown client flags");
        }
        noZeroes = (flags & NbdFlags.NO_ZEROES) != 0;
        state = State.OPTION_HEADER;
        return true;
    }

    private boolean readOptionHeader(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < NbdOption.HEADER_BYTES || pauseIfPeerIsSlow(ctx)) {
            return false;
        }
        if (in.readLong() != NbdMagic.OPTION) {
            return drop(ctx, "wrong option magic");
        }
        option = in.readInt();
        long lengthBytes = in.readUnsignedInt();
        if (lengthBytes > SKIP_LIMIT_BYTES) {
            return drop(ctx, "option is too long");
        }
        optionCount++;
        if (optionCount > BASE_OPTIONS
                && optionCount
                        > BASE_OPTIONS
                                + (long) OPTIONS_PER_EXPORT * directory.list().size()) {
            return drop(ctx, "too many options");
        }
        dataBytes = (int) lengthBytes;
        if (!isKnown(option)) {
            skippedReply = NbdReply.ERR_UNSUP;
            state = State.SKIP_DATA;
        } else if (dataBytes > DATA_LIMIT_BYTES) {
            skippedReply = NbdReply.ERR_TOO_BIG;
            state = State.SKIP_DATA;
        } else {
            state = State.OPTION_DATA;
        }
        return true;
    }

    private static boolean isKnown(int option) {
        return switch (option) {
            case NbdOption.EXPORT_NAME,
                    NbdOption.ABORT,
                    NbdOption.LIST,
                    NbdOption.INFO,
                    NbdOption.GO,
                    NbdOption.STRUCTURED_REPLY -> true;
            default -> false;
        };
    }

    private boolean skipData(ChannelHandlerContext ctx, ByteBuf in) {
        int skipped = Math.min(dataBytes, in.readableBytes());
        in.skipBytes(skipped);
        dataBytes -= skipped;
        if (dataBytes > 0) {
            return false;
        }
        if (option == NbdOption.EXPORT_NAME) {
            return drop(ctx, "export name is too long");
        }
        if (directory.isStopping()) {
            return refuse(ctx, NbdReply.ERR_SHUTDOWN, "server is shutting down");
        }
        if (skippedReply == NbdReply.ERR_TOO_BIG) {
            return refuse(ctx, NbdReply.ERR_TOO_BIG, "option data is longer than 128 KiB");
        }
        return refuse(ctx, NbdReply.ERR_UNSUP, "option is not supported");
    }

    private boolean readOptionData(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < dataBytes) {
            return false;
        }
        ByteBuf data = in.readSlice(dataBytes);
        if (option == NbdOption.ABORT) {
            return abort(ctx);
        }
        if (option == NbdOption.EXPORT_NAME) {
            return enterByName(ctx, data);
        }
        if (directory.isStopping()) {
            return refuse(ctx, NbdReply.ERR_SHUTDOWN, "server is shutting down");
        }
        if (option == NbdOption.INFO || option == NbdOption.GO) {
            return inform(ctx, data);
        }
        if (dataBytes > 0) {
            return refuse(ctx, NbdReply.ERR_INVALID, "option takes no data");
        }
        if (option == NbdOption.STRUCTURED_REPLY) {
            structuredReplies = true;
            ByteBuf out = ctx.alloc().buffer(NbdReply.OPTION_REPLY_HEADER_BYTES);
            OptionReply.ack(out, option);
            return complete(ctx, out);
        }
        listing = directory.list().iterator();
        state = State.LISTING;
        return list(ctx);
    }

    private boolean abort(ChannelHandlerContext ctx) {
        state = State.CLOSED;
        ByteBuf out = ctx.alloc().buffer(NbdReply.OPTION_REPLY_HEADER_BYTES);
        OptionReply.ack(out, option);
        ctx.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
        return true;
    }

    /** EXPORT_NAME has no error reply: whatever is wrong, the connection ends without a word (H15). */
    private boolean enterByName(ChannelHandlerContext ctx, ByteBuf data) {
        if (directory.isStopping()) {
            return drop(ctx, "server is shutting down");
        }
        ExportInfo export;
        try {
            export = directory.find(InfoRequest.readName(data, dataBytes));
        } catch (MalformedOption e) {
            return drop(ctx, e.getMessage());
        }
        if (export == null) {
            return drop(ctx, "unknown export");
        }
        NegotiatedExport negotiated = new NegotiatedExport(export, structuredReplies, false);
        ByteBuf out = ctx.alloc().buffer();
        OptionReply.exportName(out, negotiated, !noZeroes);
        return enter(ctx, out, negotiated);
    }

    private boolean inform(ChannelHandlerContext ctx, ByteBuf data) {
        InfoRequest request;
        try {
            request = InfoRequest.parse(data);
        } catch (MalformedOption e) {
            return refuse(ctx, NbdReply.ERR_INVALID, e.getMessage());
        }
        ExportInfo export = directory.find(request.name());
        if (export == null) {
            LOG.debug("unknown export asked for peer={}", ctx.channel().remoteAddress());
            return refuse(ctx, NbdReply.ERR_UNKNOWN, "export unknown: '" + NbdText.echo(request.name()) + "'");
        }
        NegotiatedExport negotiated = new NegotiatedExport(export, structuredReplies, request.blockSizeAsked());
        ByteBuf out = ctx.alloc().buffer();
        OptionReply.info(out, option, request, negotiated);
        return option == NbdOption.GO ? enter(ctx, out, negotiated) : complete(ctx, out);
    }

    private boolean enter(ChannelHandlerContext ctx, ByteBuf lastReply, NegotiatedExport negotiated) {
        state = State.NEGOTIATED;
        clock.stop();
        send(ctx, lastReply);
        listener.negotiated(ctx, negotiated);
        return false;
    }

    /** Sends as much of the list as the peer takes; what is left follows when the channel becomes writable again. */
    private boolean list(ChannelHandlerContext ctx) {
        while (!pauseIfPeerIsSlow(ctx)) {
            ByteBuf out = ctx.alloc().buffer();
            while (listing.hasNext() && out.readableBytes() < LIST_PIECE_BYTES) {
                OptionReply.server(out, listing.next());
            }
            if (!listing.hasNext()) {
                OptionReply.ack(out, NbdOption.LIST);
                return complete(ctx, out);
            }
            send(ctx, out);
        }
        return false;
    }

    /** Stops reading while replies wait to be sent: neither a long list nor a flood of options may pile up in memory. */
    private boolean pauseIfPeerIsSlow(ChannelHandlerContext ctx) {
        if (!ctx.channel().isWritable() && !paused) {
            paused = true;
            ctx.channel().config().setAutoRead(false);
        }
        return paused;
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) throws Exception {
        if (paused && ctx.channel().isWritable()) {
            paused = false;
            if (state == State.LISTING) {
                list(ctx);
            }
            if (!paused) {
                ctx.channel().config().setAutoRead(true);
                // Options that were read before the pause are still in the decoder's buffer.
                channelRead(ctx, Unpooled.EMPTY_BUFFER);
            }
        }
        ctx.fireChannelWritabilityChanged();
    }

    private boolean refuse(ChannelHandlerContext ctx, int type, String text) {
        ByteBuf out = ctx.alloc().buffer();
        OptionReply.error(out, option, type, text);
        return complete(ctx, out);
    }

    private boolean complete(ChannelHandlerContext ctx, ByteBuf finalReply) {
        state = State.OPTION_HEADER;
        clock.optionCompleted();
        send(ctx, finalReply);
        return true;
    }

    private boolean drop(ChannelHandlerContext ctx, String why) {
        LOG.debug("handshake dropped peer={} why={}", ctx.channel().remoteAddress(), why);
        close(ctx);
        return true;
    }

    private static void send(ChannelHandlerContext ctx, ByteBuf out) {
        ctx.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // Nothing is left to do with a channel that does not close.
    private void close(ChannelHandlerContext ctx) {
        state = State.CLOSED;
        ctx.close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        close(ctx);
        if (cause instanceof IOException) {
            // A peer that goes away is nothing to report (H14).
            LOG.debug("handshake ended peer={} why={}", ctx.channel().remoteAddress(), cause.toString());
        } else {
            ctx.fireExceptionCaught(cause);
        }
    }
}

package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.io.IOException;
import java.util.List;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Server side of the fixed newstyle handshake on one connection. Owned by the connection's event loop.
 *
 * <ol>
 *   <li>{@code NEW}: waits for the channel to become active, then greets; {@code TLS_HANDSHAKE}: a handler that begins
 *       behind STARTTLS waits for the TLS engine instead and continues with {@code OPTION_HEADER}.
 *   <li>{@code CLIENT_FLAGS}: waits for four bytes.
 *   <li>{@code OPTION_HEADER}, then {@code OPTION_DATA} or {@code SKIP_DATA}: one option after the other, each with
 *       exactly one final reply. Only whole options are looked into, so no length inside one can make us wait.
 *   <li>{@code LISTING}: a {@link LongAnswer} is being sent, as fast as the peer takes it; nothing is read meanwhile.
 *   <li>{@code NEGOTIATED}: bytes that are left belong to the next handler; {@code CLOSED}: bytes are thrown away.
 * </ol>
 *
 * Memory: input is kept only while an option is incomplete, so at most {@link OptionGate#DATA_LIMIT_BYTES} and one read
 * of the channel; it grows with what arrived, never by a length the peer announced. Output is bounded because a peer
 * that does not take its replies is not read from: the channel's water mark is this handler's until transmission, whose
 * handler sets its own.
 */
public final class HandshakeHandler extends ByteToMessageDecoder {
    /** Options up to this length are skipped to stay in step; more is an attack or a foreign protocol (H8). */
    static final int SKIP_LIMIT_BYTES = 1 << 20;

    /** Far above any client that does not list (H12). */
    static final int BASE_OPTIONS = 64;

    /** Clients that list send two options per export over the same connection; twice that (H12). */
    static final int OPTIONS_PER_EXPORT = 4;

    /** Replies that wait to be sent: a slice of a long answer, and the next when that has left. */
    private static final WriteBufferWaterMark UNSENT = new WriteBufferWaterMark(16 << 10, 32 << 10);

    private static final int CLIENT_FLAGS = NbdFlags.FIXED_NEWSTYLE | NbdFlags.NO_ZEROES;
    private static final Logger LOG = LoggerFactory.getLogger(HandshakeHandler.class);

    private enum State {
        NEW,
        GREETING,
        STARTING_TLS,
        TLS_HANDSHAKE,
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
    private final TlsOffer tls;
    private final HandshakeListener listener;

    private State state;
    private HandshakeClock clock;
    private boolean fixedNewstyle;
    private boolean noZeroes;
    private int optionCount;

    private Peer peer;
    private Negotiation negotiation;
    private int option;
    private int dataBytes;
    private OptionRefused skipReason;
    private LongAnswer<?> listing;
    private boolean paused;
    private boolean inputEnded;

    public HandshakeHandler(
            ExportDirectory directory, HandshakeLimits limits, TlsOffer tls, HandshakeListener listener) {
        this.directory = directory;
        this.limits = limits;
        this.tls = tls;
        this.listener = listener;
        this.state = State.NEW;
    }

    /** Continues a handshake behind the TLS engine. Only what bounds the peer is inherited, nothing it chose (H37). */
    private HandshakeHandler(HandshakeHandler plain) {
        this(plain.directory, plain.limits, plain.tls, plain.listener);
        this.state = State.TLS_HANDSHAKE;
        this.clock = plain.clock;
        this.fixedNewstyle = plain.fixedNewstyle;
        this.noZeroes = plain.noZeroes;
        this.optionCount = plain.optionCount;
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
        state = State.GREETING;
        ctx.channel().config().setWriteBufferWaterMark(UNSENT);
        clock = new HandshakeClock(ctx.executor(), limits, () -> expire(ctx.channel(), listener));
        inTurn(ctx, AnswerTurns.CONNECTION_NANOS, () -> {
            state = State.CLIENT_FLAGS;
            ByteBuf out = ctx.alloc().buffer(NbdMagic.GREETING_BYTES);
            OptionReply.greeting(out);
            send(ctx, out);
            if (!ctx.channel().config().isAutoRead()) {
                readOn(ctx);
            }
        });
    }

    /**
     * What makes a peer's next step possible and costs us much waits for its turn, so that peers who come as fast as
     * they can get no more than their part of the loop. Nothing is read meanwhile.
     */
    private void inTurn(ChannelHandlerContext ctx, long costNanos, Runnable step) {
        Runnable ifStillThere = () -> {
            if (!ctx.isRemoved() && ctx.channel().isActive() && state != State.CLOSED) {
                step.run();
            }
        };
        AnswerTurns.of(ctx.executor())
                .costly(ifStillThere, costNanos, () -> ctx.channel().config().setAutoRead(false));
    }

    @SuppressWarnings("FutureReturnValueIgnored") // Nothing is left to do with a channel that does not close.
    private static void expire(Channel channel, HandshakeListener listener) {
        LOG.debug("handshake timed out peer={}", channel.remoteAddress());
        listener.failed(channel, HandshakeFailure.TIMED_OUT, null);
        channel.close();
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
                case NEW, GREETING, STARTING_TLS, TLS_HANDSHAKE, LISTING, NEGOTIATED -> false;
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
        fixedNewstyle = (flags & NbdFlags.FIXED_NEWSTYLE) != 0;
        noZeroes = (flags & NbdFlags.NO_ZEROES) != 0;
        negotiate(ctx);
        return true;
    }

    private void negotiate(ChannelHandlerContext ctx) {
        peer = Peer.of(ctx.channel());
        boolean tlsOffered = tls.mode() != TlsOffer.Mode.NONE && !peer.tls();
        negotiation = new Negotiation(directory, peer, tlsOffered, noZeroes);
        state = State.OPTION_HEADER;
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
                && optionCount > BASE_OPTIONS + (long) OPTIONS_PER_EXPORT * directory.count(peer)) {
            return drop(ctx, "too many options");
        }
        dataBytes = (int) lengthBytes;
        if (option == NbdOption.SET_META_CONTEXT) {
            negotiation.forgetContexts();
        }
        skipReason = OptionGate.reasonToSkip(option, dataBytes, directory.isStopping(), tls.mode(), peer.tls());
        state = skipReason == null ? State.OPTION_DATA : State.SKIP_DATA;
        return true;
    }

    private boolean skipData(ChannelHandlerContext ctx, ByteBuf in) {
        int skipped = Math.min(dataBytes, in.readableBytes());
        in.skipBytes(skipped);
        dataBytes -= skipped;
        if (dataBytes > 0) {
            return false;
        }
        return refuse(ctx, ctx.alloc().buffer(), skipReason);
    }

    private boolean readOptionData(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < dataBytes) {
            return false;
        }
        ByteBuf data = in.readSlice(dataBytes);
        if (option == NbdOption.ABORT) {
            return abort(ctx);
        }
        try {
            if (option == NbdOption.STARTTLS) {
                Negotiation.requireEmpty(data);
                return startTls(ctx, in);
            }
            if (option == NbdOption.LIST || option == NbdOption.LIST_META_CONTEXT) {
                listing = option == NbdOption.LIST ? negotiation.listExports(data) : negotiation.listContexts(data);
                state = State.LISTING;
                ctx.channel().config().setAutoRead(false);
                listOn(ctx);
                return false;
            }
        } catch (OptionRefused reason) {
            return refuse(ctx, ctx.alloc().buffer(), reason);
        }
        return answer(ctx, data);
    }

    private boolean answer(ChannelHandlerContext ctx, ByteBuf data) {
        ByteBuf out = ctx.alloc().buffer();
        NegotiatedExport negotiated;
        try {
            negotiated = negotiation.answer(option, data, out);
        } catch (OptionRefused reason) {
            return refuse(ctx, out, reason);
        } catch (RuntimeException | Error fault) {
            out.release();
            throw fault;
        }
        // Whatever is thrown from here on, the reply is the channel's.
        return negotiated == null ? complete(ctx, out) : enter(ctx, out, negotiated);
    }

    private boolean abort(ChannelHandlerContext ctx) {
        state = State.CLOSED;
        ByteBuf out = ctx.alloc().buffer(NbdReply.OPTION_REPLY_HEADER_BYTES);
        OptionReply.ack(out, option);
        ctx.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
        return true;
    }

    /**
     * Leaves plain text for good. The ACK is in the channel's queue before the TLS engine stands in front of it; every
     * byte that arrives later goes through the engine. Bytes that came along with STARTTLS were injected (H38).
     */
    private boolean startTls(ChannelHandlerContext ctx, ByteBuf in) throws OptionRefused {
        if (peer.tls()) {
            throw OptionRefused.invalid("connection uses TLS already");
        }
        if (!fixedNewstyle) {
            throw new OptionRefused(NbdReply.ERR_POLICY, "TLS needs a client that set FIXED_NEWSTYLE");
        }
        if (in.isReadable()) {
            return drop(ctx, "plain text behind STARTTLS");
        }
        state = State.STARTING_TLS;
        inTurn(ctx, AnswerTurns.TLS_NANOS, () -> beginTls(ctx));
        return false;
    }

    private void beginTls(ChannelHandlerContext ctx) {
        if (internalBuffer().isReadable()) {
            drop(ctx, "plain text behind STARTTLS"); // It was on its way before reading stopped.
            return;
        }
        ByteBuf out = ctx.alloc().buffer(NbdReply.OPTION_REPLY_HEADER_BYTES);
        OptionReply.ack(out, option);
        complete(ctx, out);
        HandshakeHandler behindTls = new HandshakeHandler(this);
        clock = null;
        state = State.CLOSED;
        ctx.pipeline().addBefore(ctx.name(), null, tls.handlers().apply(ctx.alloc()));
        ctx.pipeline().replace(this, null, behindTls);
        ctx.channel().config().setAutoRead(true);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
        if (state == State.TLS_HANDSHAKE && event instanceof SslHandshakeCompletionEvent handshake) {
            if (handshake.isSuccess()) {
                negotiate(ctx);
                // Bytes that were decrypted before this event wait in the decoder's buffer.
                channelRead(ctx, Unpooled.EMPTY_BUFFER);
            } else {
                listener.failed(ctx.channel(), HandshakeFailure.TLS_FAILED, handshake.cause());
                close(ctx);
            }
        } else if (event instanceof ChannelInputShutdownEvent && (state == State.LISTING || state == State.GREETING)) {
            inputEnded = true;
        } else if (event instanceof ChannelInputShutdownEvent && state != State.NEGOTIATED) {
            closeBehindReplies(ctx);
        }
        super.userEventTriggered(ctx, event);
    }

    private boolean enter(ChannelHandlerContext ctx, ByteBuf lastReply, NegotiatedExport negotiated) {
        state = State.NEGOTIATED;
        clock.stop();
        send(ctx, lastReply);
        listener.negotiated(ctx, negotiated);
        return false;
    }

    /** Nobody to negotiate with any more; what it asked before is still answered. */
    private void closeBehindReplies(ChannelHandlerContext ctx) {
        state = State.CLOSED;
        ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    /** Sends the next slice of the answer when it is its turn; what the peer does not take waits for it to do so. */
    private void listOn(ChannelHandlerContext ctx) {
        AnswerTurns.of(ctx.executor()).add(() -> sendSlice(ctx));
    }

    private void sendSlice(ChannelHandlerContext ctx) {
        if (state != State.LISTING || ctx.isRemoved() || !ctx.channel().isActive() || pauseIfPeerIsSlow(ctx)) {
            return;
        }
        ByteBuf out = ctx.alloc().buffer();
        try {
            boolean last = listing.writeSlice(out, ctx.executor().ticker());
            if (!last) {
                send(ctx, out);
                listOn(ctx);
                return;
            }
        } catch (RuntimeException | Error fault) {
            out.release();
            exceptionCaught(ctx, fault);
            return;
        }
        listing = null;
        complete(ctx, out);
        if (inputEnded) {
            closeBehindReplies(ctx);
        } else {
            readOn(ctx);
        }
    }

    /** Options that were read before are still in the decoder's buffer. */
    private void readOn(ChannelHandlerContext ctx) {
        ctx.channel().config().setAutoRead(true);
        try {
            channelRead(ctx, Unpooled.EMPTY_BUFFER);
        } catch (Exception fault) {
            exceptionCaught(ctx, fault);
        }
    }

    /**
     * Stops reading while replies wait to be sent: neither a long list nor a flood of options may pile up in memory.
     */
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
                listOn(ctx);
            } else {
                readOn(ctx);
            }
        }
        ctx.fireChannelWritabilityChanged();
    }

    /** EXPORT_NAME has no error reply: whatever is wrong, the connection ends without a word (H15). */
    private boolean refuse(ChannelHandlerContext ctx, ByteBuf out, OptionRefused reason) {
        if (option == NbdOption.EXPORT_NAME) {
            out.release();
            return drop(ctx, reason.getMessage());
        }
        LOG.debug("option {} refused peer={} why={}", option, ctx.channel().remoteAddress(), reason.getMessage());
        OptionReply.error(out, option, reason.replyType(), reason.getMessage());
        return complete(ctx, out);
    }

    private boolean complete(ChannelHandlerContext ctx, ByteBuf finalReply) {
        state = State.OPTION_HEADER;
        clock.optionCompleted();
        send(ctx, finalReply);
        return true;
    }

    private boolean drop(ChannelHandlerContext ctx, String why) {
        listener.failed(ctx.channel(), HandshakeFailure.VIOLATION, null);
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
        if (cause.getCause() instanceof SSLException failure && state != State.CLOSED) {
            listener.failed(ctx.channel(), HandshakeFailure.TLS_FAILED, failure); // behind the TLS handshake
        }
        close(ctx);
        if (cause instanceof IOException || cause.getCause() instanceof IOException) {
            // A peer that goes away, or does not speak TLS, is nothing to report (H14, H39).
            LOG.debug("handshake ended peer={} why={}", ctx.channel().remoteAddress(), cause.toString());
        } else {
            ctx.fireExceptionCaught(cause);
        }
    }
}

package dev.gossamer.nbd.client;

import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdInfo;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Client side of the newstyle handshake (C1). One option is in flight at a time: STARTTLS if TLS is wanted,
 * EXTENDED_HEADERS if wanted, else or if refused STRUCTURED_REPLY, SET_META_CONTEXT if contexts are wanted, GO, and
 * EXPORT_NAME for servers that do not know GO. Owned by the connection's event loop.
 *
 * <p>Memory: input is kept only while a reply is incomplete, at most {@link #REPLY_LIMIT_BYTES} and one read of the
 * channel; a list ends with an error beyond {@link #LISTED_LIMIT} names.
 */
public final class ClientHandshake extends ByteToMessageDecoder {
    /** The longest reply is a list entry with name and description of 4096 bytes each. */
    static final int REPLY_LIMIT_BYTES = 4 + 2 * NbdText.LIMIT_BYTES;

    /** Bounds the memory an endless list can take; far above what people read. */
    static final int LISTED_LIMIT = 65536;

    /** Replies to one option other than LIST: 64 contexts, or some information items, some of them unknown to us. */
    static final int REPLIES_LIMIT = 256;

    private static final int OPTION_REPLY_HEADER_BYTES = NbdReply.OPTION_REPLY_HEADER_BYTES;
    private static final int KNOWN_FLAGS = NbdFlags.FIXED_NEWSTYLE | NbdFlags.NO_ZEROES;
    private static final int[] WANTED_ITEMS = {NbdInfo.BLOCK_SIZE, NbdInfo.NAME, NbdInfo.DESCRIPTION};

    private enum State {
        GREETING,
        REPLY_HEADER,
        REPLY_DATA,
        EXPORT_NAME_ANSWER,
        TLS_HANDSHAKE,
        NEGOTIATED,
        CLOSED
    }

    private final ClientOptions options;
    private final ClientHandshakeListener listener;
    private final ExportFacts facts;
    private final List<String> listed = new ArrayList<>();

    private State state = State.GREETING;
    private Future<?> timeout;
    private boolean told;
    private boolean paddedAnswer;
    private boolean structuredReplies;
    private boolean extendedHeaders;
    private int option;
    private int replies;
    private int replyType;
    private int replyBytes;

    public ClientHandshake(ClientOptions options, ClientHandshakeListener listener) {
        this.options = options;
        this.listener = listener;
        this.facts = new ExportFacts(options.exportName());
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        timeout = ctx.executor()
                .schedule(
                        () -> fail(ctx, "server did not finish the handshake in time"),
                        options.timeoutMs(),
                        TimeUnit.MILLISECONDS);
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext ctx) {
        timeout.cancel(false);
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        try {
            boolean progress;
            do {
                progress = switch (state) {
                    case GREETING -> readGreeting(ctx, in);
                    case REPLY_HEADER -> readReplyHeader(in);
                    case REPLY_DATA -> readReply(ctx, in);
                    case EXPORT_NAME_ANSWER -> readExportNameAnswer(ctx, in);
                    case TLS_HANDSHAKE, NEGOTIATED -> false;
                    case CLOSED -> {
                        in.skipBytes(in.readableBytes());
                        yield false;
                    }
                };
            } while (progress);
        } catch (ServerFault fault) {
            fail(ctx, "server breaks the protocol: " + fault.getMessage());
        }
    }

    private boolean readGreeting(ChannelHandlerContext ctx, ByteBuf in) throws ServerFault {
        if (in.readableBytes() < NbdMagic.GREETING_BYTES) {
            return false;
        }
        if (in.readLong() != NbdMagic.GREETING) {
            throw new ServerFault("not an NBD server");
        }
        if (in.readLong() != NbdMagic.OPTION) {
            throw new ServerFault("oldstyle handshake");
        }
        int common = in.readUnsignedShort() & KNOWN_FLAGS;
        paddedAnswer = (common & NbdFlags.NO_ZEROES) == 0;
        ByteBuf out = ctx.alloc().buffer();
        out.writeInt(common);
        if ((common & NbdFlags.FIXED_NEWSTYLE) != 0) {
            sendFirst(ctx, out);
        } else if (options.tls() != null || options.lists()) {
            out.release();
            fail(ctx, "server is too old for TLS and for listing exports");
        } else {
            sendExportName(ctx, out);
        }
        return true;
    }

    private void sendFirst(ChannelHandlerContext ctx, ByteBuf out) {
        if (options.tls() != null) {
            send(ctx, out, NbdOption.STARTTLS);
        } else {
            sendHeaderChoice(ctx, out);
        }
    }

    private void sendHeaderChoice(ChannelHandlerContext ctx, ByteBuf out) {
        if (options.lists()) {
            send(ctx, out, NbdOption.LIST);
        } else {
            send(ctx, out, options.extendedHeaders() ? NbdOption.EXTENDED_HEADERS : NbdOption.STRUCTURED_REPLY);
        }
    }

    private void sendContextsOrGo(ChannelHandlerContext ctx) {
        ByteBuf out = ctx.alloc().buffer();
        if (structuredReplies && !options.contexts().isEmpty()) {
            sendContexts(ctx, out);
        } else {
            sendGo(ctx, out);
        }
    }

    private void sendContexts(ChannelHandlerContext ctx, ByteBuf out) {
        int start = beginOption(out, NbdOption.SET_META_CONTEXT);
        writeText(out, options.exportName());
        out.writeInt(options.contexts().size());
        for (String context : options.contexts()) {
            writeText(out, context);
        }
        sendOption(ctx, out, start);
    }

    private void sendGo(ChannelHandlerContext ctx, ByteBuf out) {
        int start = beginOption(out, NbdOption.GO);
        writeText(out, options.exportName());
        out.writeShort(WANTED_ITEMS.length);
        for (int item : WANTED_ITEMS) {
            out.writeShort(item);
        }
        sendOption(ctx, out, start);
    }

    private void sendExportName(ChannelHandlerContext ctx, ByteBuf out) {
        int start = beginOption(out, NbdOption.EXPORT_NAME);
        NbdText.write(out, options.exportName(), NbdText.LIMIT_BYTES);
        sendOption(ctx, out, start);
        state = State.EXPORT_NAME_ANSWER;
    }

    private void send(ChannelHandlerContext ctx, ByteBuf out, int number) {
        sendOption(ctx, out, beginOption(out, number));
    }

    private int beginOption(ByteBuf out, int number) {
        option = number;
        out.writeLong(NbdMagic.OPTION).writeInt(number).writeInt(0);
        return out.writerIndex();
    }

    private void sendOption(ChannelHandlerContext ctx, ByteBuf out, int dataStart) {
        out.setInt(dataStart - Integer.BYTES, out.writerIndex() - dataStart);
        replies = 0;
        state = State.REPLY_HEADER;
        ctx.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
    }

    private static void writeText(ByteBuf out, String text) {
        out.writeInt(NbdText.lengthBytes(text));
        NbdText.write(out, text, NbdText.LIMIT_BYTES);
    }

    private boolean readReplyHeader(ByteBuf in) throws ServerFault {
        if (in.readableBytes() < OPTION_REPLY_HEADER_BYTES) {
            return false;
        }
        if (in.readLong() != NbdMagic.OPTION_REPLY) {
            throw new ServerFault("wrong option reply magic");
        }
        if (in.readInt() != option) {
            throw new ServerFault("reply to another option");
        }
        replyType = in.readInt();
        long lengthBytes = in.readUnsignedInt();
        if (lengthBytes > REPLY_LIMIT_BYTES) {
            throw new ServerFault("option reply of " + lengthBytes + " bytes");
        }
        replies++;
        if (replies > (option == NbdOption.LIST ? LISTED_LIMIT : REPLIES_LIMIT)) {
            throw new ServerFault("endless replies to one option");
        }
        replyBytes = (int) lengthBytes;
        state = State.REPLY_DATA;
        return true;
    }

    private boolean readReply(ChannelHandlerContext ctx, ByteBuf in) throws ServerFault {
        if (in.readableBytes() < replyBytes) {
            return false;
        }
        ByteBuf data = in.readSlice(replyBytes);
        state = State.REPLY_HEADER;
        if (replyType == NbdReply.ACK) {
            if (data.isReadable()) {
                throw new ServerFault("ACK with data");
            }
            acknowledged(ctx, in);
        } else if (replyType < 0) {
            refused(ctx, data);
        } else if (replyType == NbdReply.INFO && option == NbdOption.GO) {
            facts.addInfo(data);
        } else if (replyType == NbdReply.META_CONTEXT && option == NbdOption.SET_META_CONTEXT) {
            facts.addContext(data, options.contexts());
        } else if (replyType == NbdReply.SERVER && option == NbdOption.LIST) {
            addListed(data);
        } else {
            throw new ServerFault("reply type " + replyType + " to option " + option);
        }
        return state != State.NEGOTIATED;
    }

    private void addListed(ByteBuf data) throws ServerFault {
        long nameBytes = data.readableBytes() < Integer.BYTES ? Long.MAX_VALUE : data.readUnsignedInt();
        if (nameBytes > data.readableBytes()) {
            throw new ServerFault("export name is longer than its reply");
        }
        listed.add(ExportFacts.readText(data, (int) nameBytes));
    }

    private void acknowledged(ChannelHandlerContext ctx, ByteBuf in) throws ServerFault {
        switch (option) {
            case NbdOption.STARTTLS -> {
                if (in.isReadable()) {
                    // It was injected: a server says nothing more in the clear (CVE-2021-3716).
                    throw new ServerFault("plain text behind STARTTLS");
                }
                state = State.TLS_HANDSHAKE;
                ctx.pipeline().addBefore(ctx.name(), null, options.tls().apply(ctx.alloc()));
            }
            case NbdOption.EXTENDED_HEADERS -> {
                extendedHeaders = true;
                structuredReplies = true;
                sendContextsOrGo(ctx);
            }
            case NbdOption.STRUCTURED_REPLY -> {
                structuredReplies = true;
                sendContextsOrGo(ctx);
            }
            case NbdOption.SET_META_CONTEXT -> sendGo(ctx, ctx.alloc().buffer());
            case NbdOption.GO -> enter(ctx);
            case NbdOption.LIST -> {
                told = true;
                listener.listed(List.copyOf(listed));
                abort(ctx);
            }
            default -> close(ctx); // ABORT
        }
    }

    private void refused(ChannelHandlerContext ctx, ByteBuf data) throws ServerFault {
        if (option == NbdOption.ABORT) {
            close(ctx);
        } else if (option == NbdOption.EXTENDED_HEADERS) {
            send(ctx, ctx.alloc().buffer(), NbdOption.STRUCTURED_REPLY);
        } else if (option == NbdOption.STRUCTURED_REPLY && replyType != NbdReply.ERR_TLS_REQD) {
            sendContextsOrGo(ctx);
        } else if (option == NbdOption.SET_META_CONTEXT && replyType == NbdReply.ERR_UNSUP) {
            sendGo(ctx, ctx.alloc().buffer());
        } else if (option == NbdOption.GO && replyType == NbdReply.ERR_UNSUP && !extendedHeaders) {
            sendExportName(ctx, ctx.alloc().buffer());
        } else {
            String text = NbdText.echo(ExportFacts.readText(data));
            tell("server refuses: " + meaning(replyType) + (text.isEmpty() ? "" : " (" + text + ")"), null);
            abort(ctx);
        }
    }

    private static String meaning(int type) {
        return switch (type) {
            case NbdReply.ERR_UNSUP -> "option is not supported";
            case NbdReply.ERR_POLICY -> "not allowed";
            case NbdReply.ERR_TLS_REQD -> "TLS is required; use nbds";
            case NbdReply.ERR_UNKNOWN -> "export is unknown";
            case NbdReply.ERR_SHUTDOWN -> "server is shutting down";
            default -> "error " + (type & Integer.MAX_VALUE);
        };
    }

    private boolean readExportNameAnswer(ChannelHandlerContext ctx, ByteBuf in) throws ServerFault {
        int paddingBytes = paddedAnswer ? NbdOption.EXPORT_NAME_PADDING_BYTES : 0;
        if (in.readableBytes() < NbdOption.EXPORT_NAME_ANSWER_BYTES + paddingBytes) {
            return false;
        }
        facts.addSize(in);
        in.skipBytes(paddingBytes);
        enter(ctx);
        return false;
    }

    private void enter(ChannelHandlerContext ctx) throws ServerFault {
        RemoteExport export = facts.finish(structuredReplies, extendedHeaders);
        state = State.NEGOTIATED;
        told = true;
        timeout.cancel(false);
        listener.negotiated(ctx, export);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
        if (state == State.TLS_HANDSHAKE && event instanceof SslHandshakeCompletionEvent handshake) {
            if (handshake.isSuccess()) {
                sendHeaderChoice(ctx, ctx.alloc().buffer());
            } else {
                fail(ctx, "TLS handshake failed", handshake.cause());
            }
        }
        super.userEventTriggered(ctx, event);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws Exception {
        super.channelInactive(ctx);
        fail(ctx, "server closed the connection during the handshake");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        fail(ctx, "connection failed", cause);
    }

    /** Says goodbye; the answer, the end of the stream or the timeout closes the channel. */
    private void abort(ChannelHandlerContext ctx) {
        send(ctx, ctx.alloc().buffer(), NbdOption.ABORT);
    }

    private void fail(ChannelHandlerContext ctx, String why) {
        fail(ctx, why, null);
    }

    private void fail(ChannelHandlerContext ctx, String why, Throwable cause) {
        tell(why, cause);
        close(ctx);
    }

    private void tell(String why, Throwable cause) {
        if (!told) {
            told = true;
            listener.failed(why, cause);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // Nothing is left to do with a channel that does not close.
    private void close(ChannelHandlerContext ctx) {
        state = State.CLOSED;
        ctx.close();
    }
}

package dev.gossamer.nbd.handshake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The client's end of a handshake: feeds bytes, collects replies, and finds every buffer that was not given back. */
final class HandshakePeer {
    static final int WRITABLE_FLAGS = NbdFlags.HAS_FLAGS
            | NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.SEND_TRIM
            | NbdFlags.SEND_WRITE_ZEROES
            | NbdFlags.CAN_MULTI_CONN;
    static final ExportInfo VOL = export("vol", "thin volume 12");
    static final ExportInfo SNAP = export("snap", "");

    /** One option reply as it came over the wire. */
    record Reply(int option, int type, ByteBuf data) {
        ByteBuf body() {
            return data.duplicate();
        }

        String text() {
            return data.toString(StandardCharsets.UTF_8);
        }
    }

    final EmbeddedChannel channel = new EmbeddedChannel();
    final ByteArrayOutputStream transmission = new ByteArrayOutputStream();
    NegotiatedExport negotiated;

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
    private final ByteBuf output = Unpooled.buffer();

    HandshakePeer(ExportDirectory directory) {
        this(directory, new HandshakeLimits(0, 0));
    }

    HandshakePeer(ExportDirectory directory, HandshakeLimits limits) {
        this(directory, limits, TlsOffer.NONE);
    }

    HandshakePeer(ExportDirectory directory, HandshakeLimits limits, TlsOffer tls) {
        channel.config().setAllocator(allocator);
        channel.freezeTime();
        channel.pipeline().addLast(new HandshakeHandler(directory, limits, tls, this::enter));
    }

    /** A peer of a server with {@link #VOL} (also the default export) and {@link #SNAP}. */
    static HandshakePeer connect() {
        return new HandshakePeer(directory(VOL, SNAP));
    }

    /** As {@link #connect}, with the greeting read and the client flags sent. */
    static HandshakePeer greeted() {
        return connect().greet();
    }

    /** Reads the greeting and sends the flags of a modern client. */
    HandshakePeer greet() {
        feed(clientFlags(3));
        skipGreeting();
        return this;
    }

    static ExportInfo export(String name, String description) {
        return new ExportInfo(name, description, 64 << 20, WRITABLE_FLAGS, 1, 65536, 32 << 20);
    }

    static ExportDirectory directory(ExportInfo... exports) {
        List<ExportInfo> all = List.of(exports);
        return new ExportDirectory() {
            @Override
            public List<ExportInfo> list(Peer peer) {
                return all;
            }

            @Override
            public ExportInfo find(Peer peer, String name) {
                if (name.isEmpty()) {
                    return all.getFirst();
                }
                return all.stream()
                        .filter(e -> e.name().equals(name))
                        .findFirst()
                        .orElse(null);
            }

            @Override
            public List<String> metaContexts(Peer peer, String exportName) {
                return List.of("base:allocation", "qemu:dirty-bitmap:snap:1", "x-thin:shared");
            }
        };
    }

    private void enter(ChannelHandlerContext ctx, NegotiatedExport export) {
        negotiated = export;
        ctx.pipeline().replace(ctx.handler(), "transmission", new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                ByteBuf in = (ByteBuf) message;
                byte[] bytes = new byte[in.readableBytes()];
                in.readBytes(bytes);
                transmission.writeBytes(bytes);
                in.release();
            }
        });
    }

    static byte[] clientFlags(int flags) {
        return new byte[] {(byte) (flags >> 24), (byte) (flags >> 16), (byte) (flags >> 8), (byte) flags};
    }

    static byte[] option(int option, byte... data) {
        return optionHeader(option, data.length, data);
    }

    /** An option whose announced length may differ from the data that follows. */
    static byte[] optionHeader(int option, int lengthBytes, byte... data) {
        ByteBuf buffer = Unpooled.buffer();
        buffer.writeLong(NbdMagic.OPTION).writeInt(option).writeInt(lengthBytes).writeBytes(data);
        return bytes(buffer);
    }

    /** Data of INFO and GO. */
    static byte[] infoData(String name, int... items) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        ByteBuf buffer = Unpooled.buffer();
        buffer.writeInt(utf8.length).writeBytes(utf8).writeShort(items.length);
        for (int item : items) {
            buffer.writeShort(item);
        }
        return bytes(buffer);
    }

    /** Data of LIST_META_CONTEXT and SET_META_CONTEXT. */
    static byte[] metaData(String name, String... queries) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        ByteBuf buffer = Unpooled.buffer();
        buffer.writeInt(utf8.length).writeBytes(utf8).writeInt(queries.length);
        for (String query : queries) {
            byte[] queryUtf8 = query.getBytes(StandardCharsets.UTF_8);
            buffer.writeInt(queryUtf8.length).writeBytes(queryUtf8);
        }
        return bytes(buffer);
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    static byte[] bytes(ByteBuf buffer) {
        byte[] bytes = new byte[buffer.readableBytes()];
        buffer.readBytes(bytes);
        buffer.release();
        return bytes;
    }

    void feed(byte[]... parts) {
        for (byte[] part : parts) {
            if (channel.isOpen()) {
                channel.writeInbound(allocator.buffer(Math.max(1, part.length)).writeBytes(part));
            }
        }
    }

    /** Everything the server sent and nobody has read yet. */
    ByteBuf output() {
        for (ByteBuf sent = channel.readOutbound(); sent != null; sent = channel.readOutbound()) {
            output.writeBytes(sent);
            sent.release();
        }
        return output;
    }

    void skipGreeting() {
        output().skipBytes(NbdMagic.GREETING_BYTES);
    }

    List<Reply> replies() {
        List<Reply> replies = new ArrayList<>();
        ByteBuf in = output();
        while (in.isReadable()) {
            assertEquals(NbdMagic.OPTION_REPLY, in.readLong());
            int option = in.readInt();
            int type = in.readInt();
            int lengthBytes = in.readInt();
            replies.add(new Reply(option, type, Unpooled.copiedBuffer(in.readSlice(lengthBytes))));
        }
        return replies;
    }

    /** The only reply since the last look, which must be of this type for this option. */
    Reply reply(int option, int type) {
        List<Reply> replies = replies();
        assertEquals(1, replies.size(), "number of replies");
        assertEquals(option, replies.getFirst().option());
        assertEquals(type, replies.getFirst().type());
        return replies.getFirst();
    }

    /** The connection is still in step: an INFO is answered in full. */
    void assertInStep() {
        assertTrue(channel.isOpen(), "connection was kept");
        feed(option(6, infoData("vol")));
        List<Reply> replies = replies();
        assertEquals(NbdReply.ACK, replies.getLast().type());
        assertEquals(6, replies.getLast().option());
    }

    void assertDropped() {
        assertFalse(channel.isOpen(), "connection was dropped");
        assertFalse(output().isReadable(), "nothing was said");
        end();
    }

    /** The peer goes away; afterwards every buffer must have been given back. */
    void end() {
        channel.finish();
        output();
        assertEquals(0, allocator.metric().usedHeapMemory(), "heap buffers left over");
        assertEquals(0, allocator.metric().usedDirectMemory(), "direct buffers left over");
    }
}

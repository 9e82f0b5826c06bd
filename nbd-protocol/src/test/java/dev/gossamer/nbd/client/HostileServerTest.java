package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslHandler;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A72, and servers that are merely old: the client ends with one clear line, never with a hang or an exception. */
final class HostileServerTest {
    private Recorder recorder;
    private EmbeddedChannel client;

    private void begin(ClientOptions options) {
        recorder = new Recorder();
        client = new EmbeddedChannel();
        client.freezeTime();
        client.pipeline().addLast(new ClientHandshake(options, recorder));
    }

    private void connect(ClientOptions options, int handshakeFlags) {
        begin(options);
        feed(Unpooled.buffer()
                .writeLong(NbdMagic.GREETING)
                .writeLong(NbdMagic.OPTION)
                .writeShort(handshakeFlags));
    }

    private void connect() {
        connect(options("vol", "a:b"), 3);
    }

    private static ClientOptions options(String exportName, String... contexts) {
        return new ClientOptions(exportName, true, List.of(contexts), null, 10_000);
    }

    private void feed(ByteBuf bytes) {
        client.writeInbound(bytes);
    }

    private void reply(int option, int type, byte... data) {
        feed(header(option, type, data.length).writeBytes(data));
    }

    private static ByteBuf header(int option, int type, int lengthBytes) {
        return Unpooled.buffer()
                .writeLong(NbdMagic.OPTION_REPLY)
                .writeInt(option)
                .writeInt(type)
                .writeInt(lengthBytes);
    }

    private static byte[] bytes(ByteBuf buffer) {
        byte[] bytes = new byte[buffer.readableBytes()];
        buffer.readBytes(bytes);
        return bytes;
    }

    private static byte[] exportItem(long sizeBytes, int flags) {
        return bytes(Unpooled.buffer().writeShort(0).writeLong(sizeBytes).writeShort(flags));
    }

    private static byte[] blockSizes(int minimum, int preferred, int maximum) {
        return bytes(Unpooled.buffer()
                .writeShort(3)
                .writeInt(minimum)
                .writeInt(preferred)
                .writeInt(maximum));
    }

    /** Number of the option the client sent last. */
    private int asked() {
        int option = 0;
        for (ByteBuf sent = client.readOutbound(); sent != null; sent = client.readOutbound()) {
            int magicIndex = sent.indexOf(0, sent.readableBytes(), (byte) 'I');
            option = sent.getInt(magicIndex + 8);
            sent.release();
        }
        return option;
    }

    private void upToGo() {
        connect(options("vol"), 3);
        reply(NbdOption.EXTENDED_HEADERS, NbdReply.ACK);
        assertEquals(NbdOption.GO, asked());
    }

    private void assertFailed(String why) {
        assertEquals("server breaks the protocol: " + why, recorder.failure);
        assertFalse(client.isOpen());
        client.checkException();
    }

    @AfterEach
    void end() {
        if (client != null) {
            client.finishAndReleaseAll();
        }
    }

    @Test
    void strangersAreRecognised() {
        begin(options("vol"));
        feed(Unpooled.copiedBuffer("SSH-2.0-Server 99\r\n", StandardCharsets.US_ASCII));
        assertFailed("not an NBD server");
        begin(options("vol"));
        feed(Unpooled.buffer()
                .writeLong(NbdMagic.GREETING)
                .writeLong(0x420281861253L)
                .writeZero(140));
        assertFailed("oldstyle handshake");
    }

    @Test
    void aServerThatGoesAwayOrSleepsIsNoticed() {
        begin(options("vol"));
        feed(Unpooled.buffer().writeLong(NbdMagic.GREETING).writeInt(0));
        client.close().syncUninterruptibly();
        assertEquals("server closed the connection during the handshake", recorder.failure);
        connect();
        client.advanceTimeBy(10_000, TimeUnit.MILLISECONDS);
        client.runScheduledPendingTasks();
        assertEquals("server did not finish the handshake in time", recorder.failure);
        assertFalse(client.isOpen());
    }

    @Test
    void optionRepliesAreChecked() {
        connect();
        feed(Unpooled.buffer().writeLong(1).writeZero(12));
        assertFailed("wrong option reply magic");
        connect();
        reply(NbdOption.GO, NbdReply.ACK);
        assertFailed("reply to another option");
        connect();
        feed(header(NbdOption.EXTENDED_HEADERS, NbdReply.ACK, -1));
        assertFailed("option reply of 4294967295 bytes");
        connect();
        reply(NbdOption.EXTENDED_HEADERS, NbdReply.ACK, (byte) 1);
        assertFailed("ACK with data");
        connect();
        reply(NbdOption.EXTENDED_HEADERS, NbdReply.INFO, (byte) 1);
        assertFailed("reply type 3 to option 11");
        connect();
        reply(NbdOption.EXTENDED_HEADERS, 77);
        assertFailed("reply type 77 to option 11");
    }

    @Test
    void exportsAreChecked() {
        upToGo();
        reply(NbdOption.GO, NbdReply.ACK);
        assertFailed("export without size");
        upToGo();
        reply(NbdOption.GO, NbdReply.INFO, exportItem(Long.MIN_VALUE, 1));
        assertFailed("export size is over 2^63 bytes");
        upToGo();
        reply(NbdOption.GO, NbdReply.INFO, exportItem(0, 0));
        assertFailed("transmission flags without HAS_FLAGS");
        upToGo();
        reply(NbdOption.GO, NbdReply.INFO, (byte) 0);
        assertFailed("information item without type");
        upToGo();
        reply(NbdOption.GO, NbdReply.INFO, new byte[11]);
        assertFailed("information item of 11 bytes instead of 12");
        upToGo();
        reply(NbdOption.GO, NbdReply.INFO, (byte) 0, (byte) 1, (byte) 0xff);
        assertFailed("text is not UTF-8, contains NUL or is longer than 4096 bytes");
    }

    @Test
    void blockSizesAreChecked() {
        for (int[] bad : new int[][] {
            {0, 4096, 1 << 20},
            {3, 4096, 1 << 20},
            {1 << 17, 1 << 17, 1 << 20},
            {4096, 512, 1 << 20},
            {512, 0, 4096},
            {512, Integer.MIN_VALUE, -1},
            {4096, 4096, 0}
        }) {
            upToGo();
            reply(NbdOption.GO, NbdReply.INFO, blockSizes(bad[0], bad[1], bad[2]));
            assertTrue(recorder.failure.contains("impossible block sizes"), recorder.failure);
        }
        upToGo();
        reply(NbdOption.GO, NbdReply.INFO, blockSizes(512, 4096, -1));
        reply(NbdOption.GO, NbdReply.INFO, exportItem(4096, 1));
        reply(NbdOption.GO, NbdReply.INFO, (byte) 0x77, (byte) 0x77);
        reply(NbdOption.GO, NbdReply.ACK);
        assertEquals(64 << 20, recorder.export.maximumPayloadBytes(), "unlimited, as far as we go");
    }

    @Test
    void contextsAreChecked() {
        byte[] asked = {0, 0, 0, 1, 'a', ':', 'b'};
        byte[] other = {0, 0, 0, 1, 'a', ':', 'c'};
        connect();
        reply(NbdOption.EXTENDED_HEADERS, NbdReply.ACK);
        reply(NbdOption.SET_META_CONTEXT, NbdReply.META_CONTEXT, other);
        assertFailed("metadata context that was not asked for");
        connect();
        reply(NbdOption.EXTENDED_HEADERS, NbdReply.ACK);
        reply(NbdOption.SET_META_CONTEXT, NbdReply.META_CONTEXT, asked);
        reply(NbdOption.SET_META_CONTEXT, NbdReply.META_CONTEXT, asked);
        assertFailed("metadata context or its id comes twice");
        connect();
        reply(NbdOption.EXTENDED_HEADERS, NbdReply.ACK);
        reply(NbdOption.SET_META_CONTEXT, NbdReply.META_CONTEXT, (byte) 0);
        assertFailed("metadata context without id");
    }

    @Test
    void endlessRepliesEnd() {
        connect(options(null), 3);
        byte[] entry = {0, 0, 0, 1, 'x'};
        for (int i = 0; i <= ClientHandshake.LISTED_LIMIT && client.isOpen(); i++) {
            reply(NbdOption.LIST, NbdReply.SERVER, entry);
        }
        assertFailed("endless replies to one option");
        upToGo();
        for (int i = 0; i <= ClientHandshake.REPLIES_LIMIT && client.isOpen(); i++) {
            reply(NbdOption.GO, NbdReply.INFO, exportItem(4096, 1));
        }
        assertFailed("endless replies to one option");
        connect(options(null), 3);
        reply(NbdOption.LIST, NbdReply.SERVER, (byte) -1, (byte) -1, (byte) -1, (byte) -1, (byte) 'x');
        assertFailed("export name is longer than its reply");
    }

    @Test
    void plainTextBehindStartTlsIsRefused() throws Exception {
        var engine = SSLContext.getDefault().createSSLEngine("localhost", 1);
        engine.setUseClientMode(true);
        ClientOptions options = new ClientOptions("vol", true, List.of(), alloc -> new SslHandler(engine), 10_000);
        connect(options, 3);
        assertEquals(NbdOption.STARTTLS, asked());
        feed(header(NbdOption.STARTTLS, NbdReply.ACK, 0).writeBytes(header(NbdOption.GO, NbdReply.ACK, 0)));
        assertFailed("plain text behind STARTTLS");
        connect(options, 0);
        assertEquals("server is too old for TLS and for listing exports", recorder.failure);
    }

    @Test
    void olderServersAreServedStepByStep() {
        connect();
        assertEquals(NbdOption.EXTENDED_HEADERS, asked());
        reply(NbdOption.EXTENDED_HEADERS, NbdReply.ERR_UNSUP);
        assertEquals(NbdOption.STRUCTURED_REPLY, asked());
        reply(NbdOption.STRUCTURED_REPLY, NbdReply.ACK);
        assertEquals(NbdOption.SET_META_CONTEXT, asked());
        reply(NbdOption.SET_META_CONTEXT, NbdReply.ERR_UNSUP);
        assertEquals(NbdOption.GO, asked());
        reply(NbdOption.GO, NbdReply.ERR_UNSUP);
        assertEquals(NbdOption.EXPORT_NAME, asked());
        feed(Unpooled.buffer().writeLong(4096).writeShort(1).writeZero(5));
        assertEquals(4096, recorder.export.sizeBytes());
        assertEquals(512, recorder.export.minimumBlockBytes());
        assertEquals(5, recorder.transmissionBytes, "what follows belongs to transmission");
        assertTrue(recorder.export.structuredReplies());
        assertEquals(List.of(), recorder.export.contexts());
    }

    @Test
    void plainNewstyleServersPadTheirAnswer() {
        connect(options("vol", "a:b"), 0);
        assertEquals(NbdOption.EXPORT_NAME, asked());
        ByteBuf answer = Unpooled.buffer().writeLong(4096).writeShort(1).writeZero(123);
        feed(answer);
        assertNull(recorder.export);
        feed(Unpooled.buffer().writeZero(1));
        assertNotNull(recorder.export);
        assertFalse(recorder.export.structuredReplies());
    }

    @Test
    void malformedErrorTextsAreRefusedToo() {
        upToGo();
        reply(NbdOption.GO, NbdReply.ERR_UNKNOWN, (byte) 0xff);
        assertFailed("text is not UTF-8, contains NUL or is longer than 4096 bytes");
        upToGo();
        reply(NbdOption.GO, NbdReply.ERR_POLICY, (byte) '\n', (byte) 'x');
        assertEquals("server refuses: not allowed (?x)", recorder.failure);
        assertTrue(client.isOpen(), "says goodbye first");
        assertEquals(NbdOption.ABORT, asked());
        reply(NbdOption.ABORT, NbdReply.ACK);
        assertFalse(client.isOpen());
    }
}

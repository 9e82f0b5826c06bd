package dev.gossamer.nbd.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Section 0 of the conformance document: sizes and texts on the wire. */
final class NbdLayoutTest {
    @Test
    void sizesAreTheProtocols() {
        assertEquals(18, NbdMagic.GREETING_BYTES);
        assertEquals(4, NbdMagic.CLIENT_FLAGS_BYTES);
        assertEquals(16, NbdOption.HEADER_BYTES);
        assertEquals(134, NbdOption.EXPORT_NAME_ANSWER_BYTES + NbdOption.EXPORT_NAME_PADDING_BYTES);
        assertEquals(20, NbdReply.OPTION_REPLY_HEADER_BYTES);
        assertEquals(12, NbdInfo.EXPORT_BYTES);
        assertEquals(14, NbdInfo.BLOCK_SIZE_BYTES);
        assertEquals(28, NbdRequest.HEADER_BYTES);
        assertEquals(16, NbdReply.SIMPLE_REPLY_BYTES);
        assertEquals(20, NbdReply.CHUNK_HEADER_BYTES);
        assertEquals(8, NbdReply.OFFSET_BYTES);
        assertEquals(12, NbdReply.OFFSET_HOLE_BYTES);
        assertEquals(6, NbdReply.ERROR_BYTES);
        assertEquals(14, NbdReply.ERROR_OFFSET_BYTES);
        assertEquals(32, NbdRequest.EXTENDED_HEADER_BYTES);
        assertEquals(32, NbdReply.EXTENDED_CHUNK_HEADER_BYTES);
        assertEquals(4 + 8, NbdReply.BLOCK_STATUS_BYTES + NbdReply.DESCRIPTOR_BYTES);
        assertEquals(8 + 16, NbdReply.BLOCK_STATUS_EXT_BYTES + NbdReply.DESCRIPTOR_EXT_BYTES);
    }

    @Test
    void numbersAreTheProtocols() {
        assertEquals(0x3e889045565a9L, NbdMagic.OPTION_REPLY);
        assertEquals(0x25609513, NbdMagic.REQUEST);
        assertEquals(0x67446698, NbdMagic.SIMPLE_REPLY);
        assertEquals(0x668e33ef, NbdMagic.REPLY_CHUNK);
        assertEquals(0x21e41c71, NbdMagic.EXTENDED_REQUEST);
        assertEquals(0x6e8a278c, NbdMagic.EXTENDED_CHUNK);
        assertEquals(0x80000001, NbdReply.ERR_UNSUP);
        assertEquals(0x80000002, NbdReply.ERR_POLICY);
        assertEquals(0x80000005, NbdReply.ERR_TLS_REQD);
        assertEquals(0x80000008, NbdReply.ERR_BLOCK_SIZE_REQD);
        assertEquals(0x8000000a, NbdReply.ERR_EXT_HEADER_REQD);
        assertEquals(0x80000003, NbdReply.ERR_INVALID);
        assertEquals(0x80000006, NbdReply.ERR_UNKNOWN);
        assertEquals(0x80000007, NbdReply.ERR_SHUTDOWN);
        assertEquals(0x80000009, NbdReply.ERR_TOO_BIG);
    }

    @Test
    void aRequestIsReadFieldByField() {
        ByteBuf bytes = Unpooled.wrappedBuffer(
                ByteBufUtil.decodeHexDump("2560951300110006" + "fedcba9876543210" + "8000000000000001" + "fffffffe"));
        NbdRequest request = new NbdRequest();
        assertEquals(NbdRequest.HEADER_BYTES, bytes.readableBytes());
        assertEquals(NbdMagic.REQUEST, bytes.readInt());
        request.readFrom(bytes, false);
        assertFalse(bytes.isReadable());
        assertEquals(0x11, request.flags());
        assertTrue(request.isFua());
        assertEquals(NbdCommand.WRITE_ZEROES, request.command());
        assertEquals(0xfedcba9876543210L, request.cookie());
        assertEquals(0x8000000000000001L, request.offsetBytes());
        assertEquals(0xfffffffeL, request.lengthBytes());
        assertFalse(request.hasPayload());
    }

    @Test
    void anExtendedRequestIsReadFieldByField() {
        ByteBuf bytes = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(
                "21e41c7100200003" + "fedcba9876543210" + "8000000000000001" + "fffffffffffffffe"));
        NbdRequest request = new NbdRequest();
        assertEquals(NbdRequest.EXTENDED_HEADER_BYTES, bytes.readableBytes());
        assertEquals(NbdMagic.EXTENDED_REQUEST, bytes.readInt());
        request.readFrom(bytes, true);
        assertFalse(bytes.isReadable());
        assertTrue(request.hasPayload());
        assertEquals(NbdCommand.FLUSH, request.command());
        assertEquals(0, request.offsetBytes());
        assertEquals(0x8000000000000001L, request.sentOffsetBytes());
        assertEquals(-2, request.lengthBytes());
        assertEquals(-1, request.contextFilter());
    }

    @Test
    void textsAreReadStrictly() throws CharacterCodingException {
        ByteBuf good = Unpooled.copiedBuffer("a\u00e9\ud83d\ude00b", StandardCharsets.UTF_8);
        assertEquals("a\u00e9\ud83d\ude00", NbdText.read(good, 7));
        assertEquals(1, good.readableBytes());
        // NUL, a lone continuation, a cut sequence, an over-long slash, a surrogate.
        for (String hex : List.of("6100", "80", "c3", "c0af", "eda080")) {
            ByteBuf bad = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex));
            assertThrows(CharacterCodingException.class, () -> NbdText.read(bad, bad.readableBytes()), hex);
            assertFalse(bad.isReadable(), "consumed all the same");
        }
        ByteBuf longest = Unpooled.wrappedBuffer("n".repeat(4097).getBytes(StandardCharsets.US_ASCII));
        assertEquals(4096, NbdText.read(longest.duplicate(), 4096).length());
        assertThrows(CharacterCodingException.class, () -> NbdText.read(longest, 4097));
    }

    @Test
    void textsAreCutBetweenCharacters() {
        ByteBuf out = Unpooled.buffer();
        String text = "\ud83d\ude00\ud83d\ude00";
        for (int limit = 0; limit < 10; limit++) {
            out.clear();
            NbdText.write(out, text, limit);
            assertEquals(Math.min(limit / 4 * 4, 8), out.readableBytes());
            assertTrue(text.startsWith(out.toString(StandardCharsets.UTF_8)));
        }
    }

    @Test
    void echoesAreShortAndPrintable() {
        assertEquals("a?b?c\u00e9", NbdText.echo("a\nb\u2028c\u00e9"));
        assertEquals("?", NbdText.echo("\ud800"));
        assertEquals(80, NbdText.lengthBytes(NbdText.echo("\u00e9".repeat(99))));
    }
}

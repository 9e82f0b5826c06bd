package dev.gossamer.nbd.transmission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** T13 to T15, T19, T21, T23: replies byte by byte. */
final class ReplyEncoderTest {
    private static final long COOKIE = 0x8142_4344_4546_4748L;
    private static final String COOKIE_HEX = "8142434445464748";

    private final ByteBuf out = Unpooled.buffer();

    private void assertSent(String... hex) {
        assertEquals(String.join("", hex), ByteBufUtil.hexDump(out));
    }

    @Test
    void simpleReplyIsMagicErrorCookie() {
        ReplyEncoder.simpleReply(out, NbdError.ENOSPC, COOKIE);
        assertSent("67446698", "0000001c", COOKIE_HEX);
        assertEquals(NbdReply.SIMPLE_REPLY_BYTES, out.readableBytes());
    }

    @Test
    void simpleReadIsASimpleReplyBeforeItsData() {
        ReplyEncoder.readReplyHeader(out, false, COOKIE, 4096, 512);
        assertSent("67446698", "00000000", COOKIE_HEX);
    }

    @Test
    void structuredReadIsOneFinalDataChunk() {
        ReplyEncoder.readReplyHeader(out, true, COOKIE, 4096, 512);
        assertSent("668e33ef", "0001", "0001", COOKIE_HEX, "00000208", "0000000000001000");
        assertEquals(NbdReply.OFFSET_DATA_HEADER_BYTES, out.readableBytes());
    }

    @Test
    void anEmptyStructuredReadIsOneFinalChunkWithoutContent() {
        ReplyEncoder.readReplyHeader(out, true, COOKIE, 4096, 0);
        assertSent("668e33ef", "0001", "0000", COOKIE_HEX, "00000000");
        assertEquals(NbdReply.CHUNK_HEADER_BYTES, out.readableBytes());
        out.clear();
        ReplyEncoder.readReplyHeader(out, false, COOKIE, 4096, 0);
        assertSent("67446698", "00000000", COOKIE_HEX);
    }

    @Test
    void aSparseReadIsDataAndHoles() {
        ReplyEncoder.dataChunkHeader(out, 0, COOKIE, 1L << 40, 4096);
        assertSent("668e33ef", "0000", "0001", COOKIE_HEX, "00001008", "0000010000000000");
        out.clear();
        ReplyEncoder.holeChunk(out, NbdReply.FLAG_DONE, COOKIE, 4096, 0xfffff000L);
        assertSent("668e33ef", "0001", "0002", COOKIE_HEX, "0000000c", "0000000000001000", "fffff000");
        assertEquals(NbdReply.OFFSET_HOLE_BYTES, out.readableBytes());
    }

    @Test
    void structuredErrorsCarryAText() {
        ReplyEncoder.errorReply(out, true, NbdCommand.WRITE, NbdError.EPERM, COOKIE, "no");
        assertSent("668e33ef", "0001", "8001", COOKIE_HEX, "00000008", "00000001", "0002", "6e6f");
        assertEquals(NbdReply.ERROR_CHUNK_HEADER_BYTES + 2, out.readableBytes());
        out.clear();
        ReplyEncoder.errorReply(out, true, NbdCommand.READ, NbdError.EIO, COOKIE, "");
        assertSent("668e33ef", "0001", "8001", COOKIE_HEX, "00000006", "00000005", "0000");
    }

    @Test
    void simpleErrorsHaveNoText() {
        ReplyEncoder.errorReply(out, false, NbdCommand.READ, NbdError.EIO, COOKIE, "device failed");
        assertSent("67446698", "00000005", COOKIE_HEX);
    }

    @Test
    void longTextsAreCutBetweenCharacters() {
        ReplyEncoder.errorReply(out, true, NbdCommand.READ, NbdError.EIO, COOKIE, "x" + "\u20ac".repeat(100));
        assertTrue(out.readableBytes() <= ReplyEncoder.LONGEST_HEADER_BYTES);
        int textBytes = out.getUnsignedShort(24);
        assertEquals(199, textBytes);
        assertEquals(6 + textBytes, out.getInt(16));
        assertEquals("x" + "\u20ac".repeat(66), out.toString(26, textBytes, StandardCharsets.UTF_8));
        assertEquals(26 + textBytes, out.readableBytes());
    }

    @Test
    void errorsThatMayNotAnswerACommandAreABug() {
        for (int command = 0; command < 8; command++) {
            for (int error = 0; error < 200; error++) {
                boolean may =
                        switch (error) {
                            case 1, 5, 12, 22, 28, 108 -> true;
                            case 75 -> command == NbdCommand.READ;
                            case 95 -> command == NbdCommand.WRITE_ZEROES;
                            default -> false;
                        };
                assertEquals(may, NbdError.mayAnswer(error, command), "error " + error + " command " + command);
            }
        }
        assertThrows(
                AssertionError.class,
                () -> ReplyEncoder.errorReply(out, true, NbdCommand.READ, NbdError.ENOTSUP, COOKIE, ""));
    }
}

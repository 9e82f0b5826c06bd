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

    private static final long OFFSET = 4096;
    private static final String OFFSET_HEX = "0000000000001000";

    private final ReplyEncoder simple = new ReplyEncoder(Requests.export(Requests.ALL_FLAGS, false));
    private final ReplyEncoder structured = new ReplyEncoder(Requests.export(Requests.ALL_FLAGS, true));
    private final ReplyEncoder extended = new ReplyEncoder(Requests.withContexts(true, 2));
    private final ByteBuf out = Unpooled.buffer();

    private void assertSent(String... hex) {
        assertEquals(String.join("", hex), ByteBufUtil.hexDump(out));
    }

    @Test
    void simpleReplyIsMagicErrorCookie() {
        simple.errorReply(out, NbdCommand.WRITE, NbdError.ENOSPC, COOKIE, OFFSET, "full");
        assertSent("67446698", "0000001c", COOKIE_HEX);
        assertEquals(NbdReply.SIMPLE_REPLY_BYTES, out.readableBytes());
    }

    @Test
    void simpleReadIsASimpleReplyBeforeItsData() {
        simple.readReplyHeader(out, COOKIE, OFFSET, 512);
        assertSent("67446698", "00000000", COOKIE_HEX);
    }

    @Test
    void structuredReadIsOneFinalDataChunk() {
        structured.readReplyHeader(out, COOKIE, OFFSET, 512);
        assertSent("668e33ef", "0001", "0001", COOKIE_HEX, "00000208", "0000000000001000");
        assertEquals(NbdReply.CHUNK_HEADER_BYTES + NbdReply.OFFSET_BYTES, out.readableBytes());
    }

    @Test
    void anEmptyStructuredReadIsOneFinalChunkWithoutContent() {
        structured.readReplyHeader(out, COOKIE, OFFSET, 0);
        assertSent("668e33ef", "0001", "0000", COOKIE_HEX, "00000000");
        assertEquals(NbdReply.CHUNK_HEADER_BYTES, out.readableBytes());
        out.clear();
        simple.readReplyHeader(out, COOKIE, OFFSET, 0);
        assertSent("67446698", "00000000", COOKIE_HEX);
    }

    @Test
    void aSparseReadIsDataAndHoles() {
        structured.dataChunkHeader(out, 0, COOKIE, OFFSET, 1L << 40, 4096);
        assertSent("668e33ef", "0000", "0001", COOKIE_HEX, "00001008", "0000010000000000");
        out.clear();
        structured.holeChunk(out, NbdReply.FLAG_DONE, COOKIE, OFFSET, 4096, 0xfffff000L);
        assertSent("668e33ef", "0001", "0002", COOKIE_HEX, "0000000c", "0000000000001000", "fffff000");
        assertEquals(NbdReply.CHUNK_HEADER_BYTES + NbdReply.OFFSET_HOLE_BYTES, out.readableBytes());
    }

    @Test
    void structuredErrorsCarryAText() {
        structured.errorReply(out, NbdCommand.WRITE, NbdError.EPERM, COOKIE, OFFSET, "no");
        assertSent("668e33ef", "0001", "8001", COOKIE_HEX, "00000008", "00000001", "0002", "6e6f");
        assertEquals(NbdReply.CHUNK_HEADER_BYTES + NbdReply.ERROR_BYTES + 2, out.readableBytes());
        out.clear();
        structured.errorReply(out, NbdCommand.READ, NbdError.EIO, COOKIE, OFFSET, "");
        assertSent("668e33ef", "0001", "8001", COOKIE_HEX, "00000006", "00000005", "0000");
    }

    @Test
    void simpleErrorsHaveNoText() {
        simple.errorReply(out, NbdCommand.READ, NbdError.EIO, COOKIE, OFFSET, "device failed");
        assertSent("67446698", "00000005", COOKIE_HEX);
    }

    @Test
    void longTextsAreCutBetweenCharacters() {
        structured.errorReply(out, NbdCommand.READ, NbdError.EIO, COOKIE, OFFSET, "x" + "\u20ac".repeat(100));
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
                () -> structured.errorReply(out, NbdCommand.READ, NbdError.ENOTSUP, COOKIE, OFFSET, ""));
    }

    @Test
    void successWithoutDataIsSimpleUnlessHeadersAreExtended() {
        simple.doneReply(out, COOKIE, OFFSET);
        assertSent("67446698", "00000000", COOKIE_HEX);
        out.clear();
        structured.doneReply(out, COOKIE, OFFSET);
        assertSent("67446698", "00000000", COOKIE_HEX);
        out.clear();
        extended.doneReply(out, COOKIE, OFFSET);
        assertSent("6e8a278c", "0001", "0000", COOKIE_HEX, OFFSET_HEX, "0000000000000000");
        assertEquals(NbdReply.EXTENDED_CHUNK_HEADER_BYTES, out.readableBytes());
    }

    @Test
    void extendedChunksEchoTheRequestsOffset() {
        extended.readReplyHeader(out, COOKIE, OFFSET, 512);
        assertSent("6e8a278c", "0001", "0001", COOKIE_HEX, OFFSET_HEX, "0000000000000208", OFFSET_HEX);
        out.clear();
        extended.readReplyHeader(out, COOKIE, OFFSET, 0);
        assertSent("6e8a278c", "0001", "0000", COOKIE_HEX, OFFSET_HEX, "0000000000000000");
        out.clear();
        extended.holeChunk(out, 0, COOKIE, OFFSET, 8192, 0xfffff000L);
        assertSent(
                "6e8a278c", "0000", "0002", COOKIE_HEX, OFFSET_HEX, "000000000000000c", "0000000000002000", "fffff000");
    }

    @Test
    void extendedErrorsHaveTheirLengthInTheWideField() {
        extended.errorReply(out, NbdCommand.FLUSH, NbdError.EIO, COOKIE, -1, "no");
        assertSent(
                "6e8a278c",
                "0001",
                "8001",
                COOKIE_HEX,
                "ffffffffffffffff",
                "0000000000000008",
                "00000005",
                "0002",
                "6e6f");
    }

    @Test
    void anErrorMayTellItsPlace() {
        structured.errorOffsetReply(out, NbdCommand.READ, NbdError.EIO, COOKIE, OFFSET, "no", 8192);
        assertSent("668e33ef", "0001", "8002", COOKIE_HEX, "00000010", "00000005", "0002", "6e6f", "0000000000002000");
        out.clear();
        extended.errorOffsetReply(out, NbdCommand.READ, NbdError.EIO, COOKIE, OFFSET, "x".repeat(300), 8192);
        assertEquals(ReplyEncoder.LONGEST_HEADER_BYTES, out.readableBytes());
        assertEquals(8192, out.getLong(out.writerIndex() - 8));
    }

    @Test
    void blockStatusListsExtents() {
        long[] extents = {65536, 3, 4096, 0};
        structured.blockStatusChunk(out, NbdReply.FLAG_DONE, COOKIE, OFFSET, 2, TestExtents.of(extents), 2);
        assertSent(
                "668e33ef",
                "0001",
                "0005",
                COOKIE_HEX,
                "00000014",
                "00000002",
                "00010000",
                "00000003",
                "00001000",
                "00000000");
        out.clear();
        extended.blockStatusChunk(out, 0, COOKIE, OFFSET, 2, TestExtents.of(extents), 1);
        assertSent(
                "6e8a278c",
                "0000",
                "0006",
                COOKIE_HEX,
                OFFSET_HEX,
                "0000000000000018",
                "00000002",
                "00000001",
                "0000000000010000",
                "0000000000000003");
        assertEquals(ReplyEncoder.blockStatusChunkBytes(1), out.readableBytes());
    }

    @Test
    void extentsTooLongForThirtyTwoBitsAreCutAndEndTheChunk() {
        for (long tooLong : new long[] {1L << 32, 16L << 40, Long.MAX_VALUE}) {
            out.clear();
            structured.blockStatusChunk(out, 1, COOKIE, OFFSET, 1, TestExtents.of(4096, 0, tooLong, 3, 4096, 0), 3);
            assertEquals(NbdReply.CHUNK_HEADER_BYTES + 4 + 2 * 8, out.readableBytes());
            assertEquals(4 + 2 * 8, out.getInt(16));
            assertEquals(0xffff0000L, out.getUnsignedInt(32));
            assertEquals(3, out.getInt(36));
            out.clear();
            extended.blockStatusChunk(out, 1, COOKIE, OFFSET, 1, TestExtents.of(tooLong, 3), 1);
            assertEquals(tooLong, out.getLong(40));
        }
        out.clear();
        structured.blockStatusChunk(out, 1, COOKIE, OFFSET, 1, TestExtents.of(0xffffffffL, 3, 4096, 0), 2);
        assertEquals(0xffffffffL, out.getUnsignedInt(24), "still fits");
        assertEquals(4096, out.getInt(32));
    }

    @Test
    void chunksWithoutStructuredRepliesAreABug() {
        assertThrows(AssertionError.class, () -> simple.noneChunk(out, COOKIE, OFFSET));
        assertThrows(
                AssertionError.class, () -> structured.blockStatusChunk(out, 1, COOKIE, 0, 1, TestExtents.of(), 0));
    }
}

package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.transmission.ReplyEncoder;
import dev.gossamer.nbd.transmission.TestExtents;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** C3, A72: replies are what the server's encoder wrote, and everything else a server may send is refused. */
final class ClientReplyDecoderTest {
    private static final int DONE = NbdReply.FLAG_DONE;

    private final RecordingReplies sink = new RecordingReplies();

    /** A decoder that waits for one request of each kind; the cookie is the command, the range 4096+8. */
    private static ClientReplyDecoder decoder(boolean structured, boolean extended, int flags, ReplySink sink) {
        ClientReplyDecoder decoder = new ClientReplyDecoder(Remotes.client(structured, extended), sink);
        for (int command : new int[] {0, 1, 3, 4, 5, 6, 7}) {
            int ownFlags = command == NbdCommand.READ || command == NbdCommand.BLOCK_STATUS ? flags : 0;
            decoder.expect(command, command, ownFlags, 4096, 8, -1);
        }
        return decoder;
    }

    private static void answerAll(ByteBuf out, ReplyEncoder server, boolean structured) {
        server.doneReply(out, NbdCommand.WRITE, 4096);
        server.errorReply(out, NbdCommand.TRIM, NbdError.EPERM, NbdCommand.TRIM, 4096, "no");
        if (structured) {
            server.dataChunkHeader(out, 0, 0, 4096, 4100, 2);
            out.writeShort(0x0102);
            server.doneReply(out, NbdCommand.FLUSH, 4096);
            server.holeChunk(out, 0, 0, 4096, 4102, 2);
            server.blockStatusChunk(out, 0, 7, 4096, 2, TestExtents.of(4, 1, 4096, 3), 2);
            server.dataChunkHeader(out, 0, 0, 4096, 4096, 4);
            out.writeInt(0x03040506);
            server.noneChunk(out, 0, 4096);
            server.blockStatusChunk(out, DONE, 7, 4096, 1, TestExtents.of(2, 0), 1);
            server.errorOffsetReply(out, NbdCommand.WRITE_ZEROES, NbdError.EIO, 6, 4096, "text", 4103);
        } else {
            server.readReplyHeader(out, 0, 4096, 8);
            out.writeLong(0x0102030405060708L);
            server.doneReply(out, NbdCommand.FLUSH, 4096);
            server.errorReply(out, NbdCommand.WRITE_ZEROES, NbdError.EIO, 6, 4096, "");
        }
        server.doneReply(out, NbdCommand.CACHE, 4096);
    }

    private static List<String> expected(boolean structured) {
        List<String> events = new ArrayList<>(List.of("finished 1 0", "finished 4 1"));
        if (structured) {
            events.addAll(List.of(
                    "data 0 to 4102 0102",
                    "finished 3 0",
                    "hole 0 4102+2",
                    "status 7 #1 4096+4 is 1",
                    "status 7 #1 4100+4 is 3",
                    "data 0 to 4100 03040506",
                    "finished 0 0",
                    "status 7 #0 4096+2 is 0",
                    "finished 7 0",
                    "finished 6 5"));
        } else {
            events.addAll(List.of("data 0 to 4104 0102030405060708", "finished 0 0", "finished 3 0", "finished 6 5"));
        }
        events.add("finished 5 0");
        return events;
    }

    @Test
    void everyTwoCutsOfTheServersRepliesGiveTheSameResults() {
        for (int form = 0; form < 3; form++) {
            boolean structured = form > 0;
            boolean extended = form > 1;
            ByteBuf bytes = Unpooled.buffer();
            answerAll(bytes, new ReplyEncoder(Remotes.server(structured, extended)), structured);
            int end = bytes.readableBytes();
            for (int first = 0; first <= end; first++) {
                for (int second = first; second <= end; second++) {
                    RecordingReplies replies = new RecordingReplies();
                    ClientReplyDecoder decoder = decoder(structured, extended, 0, replies);
                    decoder.decode(bytes.slice(0, first));
                    decoder.decode(bytes.slice(first, second - first));
                    decoder.decode(bytes.slice(second, end - second));
                    assertEquals(
                            expected(structured), replies.events, "form " + form + " cuts " + first + ", " + second);
                    assertEquals(structured ? 0 : 1, decoder.inFlight(), "all answered but BLOCK_STATUS");
                }
            }
        }
    }

    private void assertViolation(String why, int flags, Consumer<ByteBuf> server) {
        assertViolation(why, true, flags, server);
    }

    private void assertViolation(String why, boolean structured, int flags, Consumer<ByteBuf> server) {
        ByteBuf bytes = Unpooled.buffer();
        server.accept(bytes);
        new ReplyEncoder(Remotes.server(structured, false)).doneReply(bytes, 1, 4096);
        sink.events.clear();
        ClientReplyDecoder decoder = decoder(structured, false, flags, sink);
        decoder.decode(bytes);
        assertFalse(bytes.isReadable());
        assertEquals("violation " + why, sink.events.getLast());
        decoder.decode(Unpooled.wrappedBuffer(new byte[100]));
        assertEquals(
                1, sink.events.stream().filter(e -> e.startsWith("violation")).count());
    }

    private static void chunk(ByteBuf out, int flags, int type, long cookie, long lengthBytes) {
        out.writeInt(NbdMagic.REPLY_CHUNK).writeShort(flags).writeShort(type).writeLong(cookie);
        out.writeInt((int) lengthBytes);
    }

    private static void data(ByteBuf out, int flags, long cookie, long offsetBytes, int lengthBytes) {
        chunk(out, flags, NbdReply.CHUNK_OFFSET_DATA, cookie, 8 + lengthBytes);
        out.writeLong(offsetBytes).writeZero(lengthBytes);
    }

    private static void status(ByteBuf out, int flags, int id, int... lengthsAndFlags) {
        chunk(out, flags, NbdReply.CHUNK_BLOCK_STATUS, 7, 4 + 4L * lengthsAndFlags.length);
        out.writeInt(id);
        for (int value : lengthsAndFlags) {
            out.writeInt(value);
        }
    }

    @Test
    void wrongMagicsAreRefused() {
        assertViolation("wrong reply magic", 0, out -> out.writeInt(0x96744668).writeZero(12));
        assertViolation("wrong reply magic", 0, out -> out.writeInt(NbdMagic.EXTENDED_CHUNK)
                .writeZero(28));
        assertViolation("wrong reply magic", false, 0, out -> chunk(out, DONE, 0, 1, 0));
        ClientReplyDecoder extended = decoder(true, true, 0, sink);
        extended.decode(Unpooled.buffer().writeInt(NbdMagic.SIMPLE_REPLY).writeZero(12));
        assertEquals("violation wrong reply magic", sink.events.getLast());
    }

    @Test
    void repliesNobodyWaitsForAreRefused() {
        String why = "reply to a request that is not in flight";
        assertViolation(why, 0, out -> chunk(out, DONE, NbdReply.CHUNK_NONE, 99, 0));
        assertViolation(
                why, 0, out -> out.writeInt(NbdMagic.SIMPLE_REPLY).writeInt(0).writeLong(99));
        assertViolation(why, 0, out -> {
            chunk(out, DONE, NbdReply.CHUNK_NONE, 4, 0);
            chunk(out, DONE, NbdReply.CHUNK_NONE, 4, 0);
        });
    }

    @Test
    void simpleRepliesDoNotReplaceChunks() {
        String why = "simple reply where chunks belong";
        assertViolation(
                why, 0, out -> out.writeInt(NbdMagic.SIMPLE_REPLY).writeInt(0).writeLong(0));
        assertViolation(
                why, 0, out -> out.writeInt(NbdMagic.SIMPLE_REPLY).writeInt(5).writeLong(0));
        assertViolation(
                why, 0, out -> out.writeInt(NbdMagic.SIMPLE_REPLY).writeInt(0).writeLong(7));
        assertViolation(why, 0, out -> {
            chunk(out, 0, NbdReply.CHUNK_ERROR, 1, 6);
            out.writeInt(5)
                    .writeShort(0)
                    .writeInt(NbdMagic.SIMPLE_REPLY)
                    .writeInt(0)
                    .writeLong(1);
        });
    }

    @Test
    void piecesLieInTheRequestAndDoNotOverlap() {
        String outside = "piece outside of the request";
        assertViolation(outside, 0, out -> data(out, 0, 0, 4095, 2));
        assertViolation(outside, 0, out -> data(out, 0, 0, 4103, 2));
        assertViolation(outside, 0, out -> data(out, 0, 0, Long.MAX_VALUE, 8));
        assertViolation(outside, 0, out -> data(out, 0, 0, -1, 8));
        assertViolation(outside, 0, out -> {
            chunk(out, 0, NbdReply.CHUNK_OFFSET_HOLE, 0, 12);
            out.writeLong(4096).writeInt(-1);
        });
        assertViolation(outside, 0, out -> {
            chunk(out, 0, NbdReply.CHUNK_OFFSET_HOLE, 0, 12);
            out.writeLong(4096).writeInt(0);
        });
        assertViolation("pieces overlap or are too many", 0, out -> {
            data(out, 0, 0, 4098, 4);
            data(out, 0, 0, 4096, 3);
        });
        assertViolation("two pieces in answer to a READ with DF", NbdFlags.CMD_DF, out -> {
            data(out, 0, 0, 4096, 4);
            data(out, 0, 0, 4100, 4);
        });
        assertViolation("data for a request that is no READ", 0, out -> data(out, DONE, 1, 4096, 8));
    }

    @Test
    void successPromisesEverything() {
        String why = "successful READ with missing bytes";
        assertViolation(why, 0, out -> data(out, DONE, 0, 4096, 7));
        assertViolation(why, 0, out -> chunk(out, DONE, NbdReply.CHUNK_NONE, 0, 0));
        assertViolation(
                "successful BLOCK_STATUS without an answer for every context", 0, out -> status(out, DONE, 1, 8, 0));
    }

    @Test
    void chunksHaveTheirProperLength() {
        for (int type : new int[] {0, 2, 5, 6, 3, 4, 7, 0x7fff, 0x8001, 0x8002, 0xffff}) {
            for (long length : new long[] {3, 5, 1 << 20}) {
                String why = "chunk of type " + type + " and " + length + " bytes";
                assertViolation(why, 0, out -> chunk(out, 0, type, 0, length));
            }
        }
        assertViolation("chunk of type 1 and 8 bytes", 0, out -> chunk(out, 0, 1, 0, 8));
        assertViolation("chunk of type 0 and 0 bytes", 0, out -> chunk(out, 0, 0, 0, 0));
    }

    @Test
    void chunkLengthsAreBoundedBeforeAnythingIsRead() {
        for (long length : new long[] {(1 << 20) + (64 << 10) + 1, 0x7fffffffL, 0xffffffffL}) {
            assertViolation("chunk is longer than the maximum payload", 0, out -> chunk(out, 0, 1, 0, length));
        }
        RemoteExport remote = Remotes.client(true, true);
        for (long length : new long[] {1L << 32, Long.MIN_VALUE, -1}) {
            ClientReplyDecoder decoder = new ClientReplyDecoder(remote, sink);
            decoder.expect(1, NbdCommand.READ, 0, 0, 512, -1);
            ByteBuf out = Unpooled.buffer()
                    .writeInt(NbdMagic.EXTENDED_CHUNK)
                    .writeInt(1)
                    .writeLong(1);
            decoder.decode(out.writeLong(0).writeLong(length));
            assertEquals("violation chunk is longer than the maximum payload", sink.events.getLast());
        }
    }

    @Test
    void chunksEchoTheRequestAndCarryKnownFlags() {
        assertViolation("unknown chunk flags", 0, out -> chunk(out, 2, 0, 0, 0));
        ClientReplyDecoder decoder = decoder(true, true, 0, sink);
        ByteBuf out = Unpooled.buffer();
        new ReplyEncoder(Remotes.server(true, true)).doneReply(out, 1, 4095);
        decoder.decode(out);
        assertEquals("violation chunk echoes another offset", sink.events.getLast());
    }

    @Test
    void statusIsForSelectedContextsOnce() {
        String foreign = "status for a context that was not selected";
        assertViolation(foreign, 0, out -> status(out, 0, 3, 8, 0));
        assertViolation("status for a context that was not asked or answered already", 0, out -> {
            status(out, 0, 1, 8, 0);
            status(out, 0, 1, 8, 0);
        });
        assertViolation(foreign, 0, out -> {
            chunk(out, 0, NbdReply.CHUNK_BLOCK_STATUS, 0, 12);
            out.writeInt(1).writeLong(0);
        });
    }

    @Test
    void descriptorsAreWithinReason() {
        assertViolation("impossible descriptor", 0, out -> status(out, 0, 1, 0, 0));
        String behind = "descriptors go on behind the request";
        assertViolation(behind, 0, out -> status(out, 0, 1, 8, 0, 1, 0));
        assertViolation(behind, 0, out -> status(out, 0, 1, 4, 0, -1, 0, 1, 0));
        assertViolation(
                "several descriptors in answer to REQ_ONE", NbdFlags.CMD_REQ_ONE, out -> status(out, 0, 1, 4, 0, 4, 0));
        for (long[] bad : new long[][] {{-1, 0}, {0, 0}, {8, 1L << 32}, {8, -1}}) {
            ByteBuf out = Unpooled.buffer();
            new ReplyEncoder(Remotes.server(true, true)).blockStatusChunk(out, 0, 7, 4096, 1, TestExtents.of(8, 0), 1);
            // Our encoder knows no flags beyond 32 bits; a peer may.
            decoder(true, true, 0, sink).decode(out.setLong(40, bad[0]).setLong(48, bad[1]));
            assertEquals("violation impossible descriptor", sink.events.getLast());
        }
        ByteBuf out = Unpooled.buffer();
        new ReplyEncoder(Remotes.server(true, true)).blockStatusChunk(out, 0, 7, 4096, 1, TestExtents.of(8, 0), 1);
        decoder(true, true, 0, sink).decode(out.setInt(36, 2));
        assertEquals("violation number of descriptors does not fit the chunk", sink.events.getLast());
    }

    @Test
    void errorChunksAreConsistent() {
        String why = "error chunk that contradicts itself";
        assertViolation(why, 0, out -> {
            chunk(out, DONE, NbdReply.CHUNK_ERROR, 1, 6);
            out.writeInt(0).writeShort(0);
        });
        assertViolation(why, 0, out -> {
            chunk(out, DONE, NbdReply.CHUNK_ERROR, 1, 6);
            out.writeInt(5).writeShort(1);
        });
        assertViolation(why, 0, out -> {
            chunk(out, DONE, NbdReply.CHUNK_ERROR_OFFSET, 1, 14);
            out.writeInt(5).writeShort(1).writeLong(4096);
        });
        assertViolation("error outside of the request", 0, out -> {
            chunk(out, DONE, NbdReply.CHUNK_ERROR_OFFSET, 1, 14);
            out.writeInt(5).writeShort(0).writeLong(4104);
        });
    }

    @Test
    void unknownErrorsAreErrors() {
        ByteBuf out = Unpooled.buffer();
        chunk(out, 0, 0x8abc, 0, 9);
        out.writeInt(4711).writeShort(1).writeZero(3);
        chunk(out, DONE, NbdReply.CHUNK_ERROR, 0, 6);
        out.writeInt(NbdError.EIO).writeShort(0);
        decoder(true, false, 0, sink).decode(out);
        assertEquals(List.of("finished 0 22"), sink.events, "the first error counts, an unknown one is EINVAL");
    }

    @Test
    void cookiesAreUniqueInFlightAndBounded() {
        ClientReplyDecoder decoder = new ClientReplyDecoder(Remotes.client(false, false), sink);
        decoder.expect(1, NbdCommand.FLUSH, 0, 0, 0, -1);
        assertThrows(IllegalStateException.class, () -> decoder.expect(1, NbdCommand.FLUSH, 0, 0, 0, -1));
        ByteBuf out = Unpooled.buffer();
        new ReplyEncoder(Remotes.server(false, false)).doneReply(out, 1, 0);
        decoder.decode(out);
        for (int cookie = 0; cookie < ClientReplyDecoder.IN_FLIGHT_LIMIT; cookie++) {
            decoder.expect(cookie, NbdCommand.FLUSH, 0, 0, 0, -1);
        }
        assertThrows(IllegalStateException.class, () -> decoder.expect(-1, NbdCommand.FLUSH, 0, 0, 0, -1));
        assertTrue(sink.events.contains("finished 1 0"));
    }
}

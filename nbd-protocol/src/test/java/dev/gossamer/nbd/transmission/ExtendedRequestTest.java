package dev.gossamer.nbd.transmission;

import static dev.gossamer.nbd.transmission.Requests.SIZE_BYTES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import org.junit.jupiter.api.Test;

/** T3, T58 to T61: requests with extended headers, and BLOCK_STATUS that names its contexts. */
final class ExtendedRequestTest {
    private static final int PAYLOAD = NbdFlags.CMD_PAYLOAD_LEN;

    /** Also writes down the filter. */
    private static final class FilterSink extends RecordingSink {
        @Override
        public void ready(NbdRequest request) {
            super.ready(request);
            events.add("filter " + Long.toBinaryString(request.contextFilter()));
        }
    }

    private static List<String> decode(ByteBuf bytes, int contexts, int... cuts) {
        RecordingSink sink = new FilterSink();
        RequestDecoder decoder = new RequestDecoder(Requests.withContexts(true, contexts), () -> SIZE_BYTES, sink);
        int start = 0;
        for (int cut : cuts) {
            decoder.decode(bytes.readSlice(cut - start));
            start = cut;
        }
        decoder.decode(bytes);
        assertFalse(bytes.isReadable());
        return sink.events;
    }

    private static void status(ByteBuf out, long cookie, long offsetBytes, long rangeBytes, int... ids) {
        Requests.extendedHeader(out, NbdCommand.BLOCK_STATUS, PAYLOAD, cookie, offsetBytes, 8 + 4L * ids.length);
        out.writeLong(rangeBytes);
        for (int id : ids) {
            out.writeInt(id);
        }
    }

    @Test
    void aHeaderHasTheLengthThatWasNegotiated() {
        assertEquals(
                32,
                new RequestDecoder(Requests.withContexts(true, 0), () -> SIZE_BYTES, new FilterSink()).headerBytes());
        assertEquals(
                28,
                new RequestDecoder(Requests.withContexts(false, 0), () -> SIZE_BYTES, new FilterSink()).headerBytes());
    }

    private static ByteBuf stream() {
        ByteBuf out = Unpooled.buffer();
        Requests.extendedHeader(out, NbdCommand.WRITE, PAYLOAD | NbdFlags.CMD_FUA, 1, 4096, 5);
        out.writeBytes(new byte[5]);
        status(out, 2, 0, SIZE_BYTES, 3, 1);
        Requests.extendedHeader(out, NbdCommand.TRIM, PAYLOAD, 3, 0, 3);
        out.writeBytes(new byte[3]);
        status(out, 4, 0, 4096, 2, 2);
        Requests.extendedHeader(out, NbdCommand.BLOCK_STATUS, NbdFlags.CMD_REQ_ONE, 5, 512, 512);
        status(out, 6, 4096, SIZE_BYTES, 1);
        status(out, 7, 4096, 0, 1);
        Requests.extendedHeader(out, NbdCommand.FLUSH, PAYLOAD, 8, 9, 2);
        out.writeBytes(new byte[2]);
        Requests.extendedHeader(out, NbdCommand.DISC, 0, 9, 0, 0);
        return out;
    }

    private static final List<String> EXPECTED = List.of(
            "ready 1 flags 33 cookie 1 at 4096+5 payload 5#28629151",
            "filter 1111111111111111111111111111111111111111111111111111111111111111",
            "ready 7 flags 32 cookie 2 at 0+67108864 payload 0#1",
            "filter 101",
            "refused 4 cookie 3 error 22 flag is unknown, not advertised or not for this command",
            "refused 7 cookie 4 error 22 payload is no list of different selected contexts",
            "ready 7 flags 8 cookie 5 at 512+512 payload 0#1",
            "filter 1111111111111111111111111111111111111111111111111111111111111111",
            "refused 7 cookie 6 error 22 request reaches past the end of the export",
            "refused 7 cookie 7 error 22 block status of nothing",
            "refused 3 cookie 8 error 22 flag is unknown, not advertised or not for this command",
            "disconnect");

    @Test
    void aStreamBecomesItsRequests() {
        assertEquals(EXPECTED, decode(stream(), 3));
    }

    @Test
    void everyTwoCutsGiveTheSameRequests() {
        int end = stream().readableBytes();
        for (int first = 0; first <= end; first++) {
            for (int second = first; second <= end; second++) {
                assertEquals(EXPECTED, decode(stream(), 3, first, second), "cut at " + first + " and " + second);
            }
        }
    }

    @Test
    void theFilterNamesSelectedContextsOnly() {
        for (int id : new int[] {0, 4, 65, -1, Integer.MIN_VALUE}) {
            ByteBuf out = Unpooled.buffer();
            status(out, 1, 0, 512, 1, id);
            assertTrue(decode(out, 3).getFirst().startsWith("refused 7 cookie 1 error 22 payload is no list"), "" + id);
        }
        ByteBuf out = Unpooled.buffer();
        int[] all = new int[64];
        for (int i = 0; i < 64; i++) {
            all[i] = 64 - i;
        }
        status(out, 1, 0, 512, all);
        assertEquals("filter " + "1".repeat(64), decode(out, 64).getLast());
    }

    @Test
    void compactAndExtendedHeadersAreNotMixed() {
        ByteBuf out = Unpooled.buffer();
        Requests.header(out, NbdCommand.READ, 0, 1, 0, 512);
        out.writeInt(0);
        assertEquals(List.of("violation wrong request magic"), decode(out, 0));
    }

    @Test
    void whatCannotBeAnsweredEndsTheConnection() {
        ByteBuf out = Unpooled.buffer();
        Requests.extendedHeader(out, NbdCommand.WRITE, 0, 1, 0, 512);
        assertEquals(List.of("violation extended write without PAYLOAD_LEN"), decode(out, 0));
        for (long lengthBytes : new long[] {(64 << 20) + 1, 1L << 40, -1, Long.MIN_VALUE}) {
            ByteBuf huge = Unpooled.buffer();
            Requests.extendedHeader(huge, NbdCommand.BLOCK_STATUS, PAYLOAD, 1, 0, lengthBytes);
            assertEquals(List.of("violation payload is longer than 64 MiB"), decode(huge, 3));
        }
    }
}

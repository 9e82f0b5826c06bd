package dev.gossamer.nbd.transmission;

import static dev.gossamer.nbd.transmission.Requests.ALL_FLAGS;
import static dev.gossamer.nbd.transmission.Requests.SIZE_BYTES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import org.junit.jupiter.api.Test;

/** T3, T4, T10, T11, T21, T35, T37: bytes become requests however they are cut and whenever the sink has room. */
final class RequestDecoderTest {
    private static final int MIB = 1 << 20;

    private final RecordingSink sink = new RecordingSink();
    private final RequestDecoder decoder = decoder(sink);

    private static RequestDecoder decoder(RequestSink sink) {
        return new RequestDecoder(Requests.export(ALL_FLAGS, true), () -> SIZE_BYTES, sink);
    }

    private static void write(ByteBuf out, long cookie, long offsetBytes, int lengthBytes) {
        Requests.header(out, NbdCommand.WRITE, 0, cookie, offsetBytes, lengthBytes);
        byte[] data = new byte[lengthBytes];
        Seeds.random(cookie).nextBytes(data);
        out.writeBytes(data);
    }

    /** One of each: with and without payload, refused with and without payload, empty, and a goodbye. */
    private static ByteBuf stream() {
        ByteBuf out = Unpooled.buffer();
        Requests.header(out, NbdCommand.READ, 0, 0, 4096, 512);
        write(out, 1, 100, 9);
        write(out, 2, SIZE_BYTES - 3, 5);
        Requests.header(out, NbdCommand.FLUSH, 0, -1, -1, 0xffffffffL);
        write(out, 1, 7, 0);
        Requests.header(out, 77, 0, 3, 0, 4000);
        Requests.header(out, NbdCommand.TRIM, NbdFlags.CMD_FUA, Long.MIN_VALUE, 0, SIZE_BYTES);
        write(out, 1, 300, 1);
        Requests.header(out, NbdCommand.DISC, 0xffff, 0, 5, 5);
        out.writeBytes(new byte[40]);
        return out;
    }

    private static List<String> expected() {
        RecordingSink whole = new RecordingSink();
        ByteBuf bytes = stream();
        decoder(whole).decode(bytes);
        assertFalse(bytes.isReadable());
        return whole.events;
    }

    @Test
    void aStreamBecomesItsRequests() {
        List<String> events = expected();
        assertEquals(9, events.size());
        assertTrue(events.get(0).startsWith("ready 0 flags 0 cookie 0 at 4096+512 payload 0#"));
        assertTrue(events.get(1).startsWith("ready 1 flags 0 cookie 1 at 100+9 payload 9#"));
        assertEquals("refused 1 cookie 2 error 28 write reaches past the end of the export", events.get(2));
        assertTrue(events.get(3).startsWith("ready 3 flags 0 cookie -1 at 0+0 payload 0#"));
        assertTrue(events.get(4).startsWith("ready 1 flags 0 cookie 1 at 7+0 payload 0#"));
        assertEquals("refused 77 cookie 3 error 22 unknown command", events.get(5));
        assertTrue(events.get(6).startsWith("ready 4 flags 1 cookie " + Long.MIN_VALUE + " at 0+" + SIZE_BYTES));
        assertTrue(events.get(7).startsWith("ready 1 flags 0 cookie 1 at 300+1 payload 1#"));
        assertEquals("disconnect", events.get(8));
    }

    @Test
    void everyTwoCutsGiveTheSameRequests() {
        List<String> expected = expected();
        int end = stream().readableBytes();
        for (int first = 0; first <= end; first++) {
            for (int second = first; second <= end; second++) {
                RecordingSink cutSink = new RecordingSink();
                RequestDecoder cutDecoder = decoder(cutSink);
                ByteBuf bytes = stream();
                cutDecoder.decode(bytes.readSlice(first));
                cutDecoder.decode(bytes.readSlice(second - first));
                cutDecoder.decode(bytes);
                assertFalse(bytes.isReadable());
                assertEquals(expected, cutSink.events, "cut at " + first + " and " + second);
            }
        }
    }

    @Test
    void singleBytesGiveTheSameRequests() {
        ByteBuf bytes = stream();
        while (bytes.isReadable()) {
            decoder.decode(bytes.readSlice(1));
        }
        assertEquals(expected(), sink.events);
    }

    @Test
    void aPauseAtAnyRequestLosesNothing() {
        List<String> expected = expected();
        int valid = 6;
        for (int pausedRequest = 0; pausedRequest < valid; pausedRequest++) {
            for (int cut = 0; cut <= stream().readableBytes(); cut++) {
                RecordingSink busySink = new RecordingSink();
                RequestDecoder busyDecoder = decoder(new PausingSink(busySink, pausedRequest));
                ByteBuf bytes = stream();
                ByteBuf segment = bytes.readSlice(cut);
                feedUntilTaken(busyDecoder, segment);
                feedUntilTaken(busyDecoder, bytes);
                assertEquals(expected, busySink.events, "paused " + pausedRequest + " cut " + cut);
            }
        }
    }

    /** Whatever a request is, refused ones and a goodbye among them, it is not read before its answer has room. */
    @Test
    void noHeaderIsReadWithoutRoomForItsAnswer() {
        List<String> expected = expected();
        int[] room = {0};
        RecordingSink crowdedSink = new RecordingSink() {
            @Override
            public boolean hasRoom() {
                return events.size() < room[0];
            }
        };
        RequestDecoder crowded = decoder(crowdedSink);
        ByteBuf bytes = stream();
        for (room[0] = 0; room[0] < expected.size(); room[0]++) {
            crowded.decode(bytes);
            assertTrue(crowded.isPaused(), "bytes are left");
            assertEquals(expected.subList(0, room[0]), crowdedSink.events);
        }
        crowded.decode(bytes);
        assertEquals(expected, crowdedSink.events);
    }

    private static void feedUntilTaken(RequestDecoder decoder, ByteBuf segment) {
        decoder.decode(segment);
        for (int tries = 0; decoder.isPaused(); tries++) {
            int before = segment.readerIndex();
            decoder.decode(segment);
            assertTrue(!decoder.isPaused() || segment.readerIndex() == before, "no byte is taken while paused");
            assertTrue(tries < 3, "pause ends");
        }
        assertFalse(segment.isReadable());
    }

    /** Says no three times when the n-th request is offered. */
    private static final class PausingSink extends ForwardingSink {
        private final RecordingSink sink;
        private final int pausedRequest;
        private int requests;

        PausingSink(RecordingSink sink, int pausedRequest) {
            super(sink);
            this.sink = sink;
            this.pausedRequest = pausedRequest;
            sink.refusals = pausedRequest == 0 ? 3 : 0;
        }

        @Override
        public boolean begin(NbdRequest request) {
            boolean begun = super.begin(request);
            if (begun && ++requests == pausedRequest) {
                sink.refusals = 3;
            }
            return begun;
        }
    }

    @Test
    void aPausedRequestIsOfferedAgainWithoutNewBytes() {
        sink.refusals = 1;
        ByteBuf bytes = Unpooled.buffer();
        Requests.header(bytes, NbdCommand.FLUSH, 0, 1, 0, 0);
        decoder.decode(bytes);
        assertTrue(decoder.isPaused());
        decoder.decode(Unpooled.EMPTY_BUFFER);
        assertFalse(decoder.isPaused());
        assertEquals(1, sink.events.size());
    }

    @Test
    void wrongMagicIsAViolationAndEndsAll() {
        ByteBuf bytes = Unpooled.buffer();
        Requests.header(bytes, NbdCommand.READ, 0, 1, 0, 512);
        bytes.setInt(0, 0x21e41c71);
        Requests.header(bytes, NbdCommand.READ, 0, 2, 0, 512);
        decoder.decode(bytes);
        assertEquals(List.of("violation wrong request magic"), sink.events);
        assertFalse(bytes.isReadable());
    }

    @Test
    void aPayloadOverTheHardCapIsAViolationBeforeAnyOfIt() {
        for (long lengthBytes : new long[] {(64L << 20) + 1, 1L << 31, 0xffffffffL}) {
            RecordingSink capSink = new RecordingSink();
            ByteBuf bytes = Unpooled.buffer();
            Requests.header(bytes, NbdCommand.WRITE, 0, 1, 0, lengthBytes);
            decoder(capSink).decode(bytes);
            assertEquals(List.of("violation payload is longer than 64 MiB"), capSink.events);
        }
    }

    @Test
    void aPayloadBetweenMaximumAndHardCapIsSkippedThenRefused() {
        for (int lengthBytes : new int[] {32 * MIB + 1, 64 * MIB}) {
            RecordingSink skipSink = new RecordingSink();
            RequestDecoder skipDecoder = decoder(skipSink);
            ByteBuf bytes = Unpooled.buffer();
            Requests.header(bytes, NbdCommand.WRITE, 0, 5, 0, lengthBytes);
            skipDecoder.decode(bytes);
            ByteBuf payload = Unpooled.wrappedBuffer(new byte[MIB]);
            for (int left = lengthBytes; left > 0; left -= MIB) {
                assertEquals(List.of(), skipSink.events, "refused only when all was skipped");
                skipDecoder.decode(payload.duplicate().writerIndex(Math.min(left, MIB)));
            }
            assertEquals(
                    List.of("refused 1 cookie 5 error 22 payload is longer than the advertised maximum"),
                    skipSink.events);
            bytes.clear();
            Requests.header(bytes, NbdCommand.FLUSH, 0, 6, 0, 0);
            skipDecoder.decode(bytes);
            assertEquals(2, skipSink.events.size(), "still in step");
        }
    }

    @Test
    void anIncompleteWriteNeverBecomesReady() {
        ByteBuf bytes = Unpooled.buffer();
        write(bytes, 1, 0, 100);
        decoder.decode(bytes.readSlice(bytes.readableBytes() - 1));
        decoder.close();
        decoder.decode(bytes);
        assertEquals(List.of(), sink.events);
        assertFalse(bytes.isReadable());
    }

    @Test
    void closingFromWithinBeginStopsTheRequest() {
        RequestDecoder[] self = new RequestDecoder[1];
        RecordingSink closing = new RecordingSink() {
            @Override
            public boolean begin(NbdRequest request) {
                self[0].close();
                return true;
            }
        };
        self[0] = decoder(closing);
        self[0].decode(stream());
        assertEquals(List.of(), closing.events);
    }

    @Test
    void boundsFollowTheCurrentSize() {
        long[] sizeBytes = {SIZE_BYTES};
        RequestDecoder growing = new RequestDecoder(Requests.export(ALL_FLAGS, false), () -> sizeBytes[0], sink);
        for (int i = 0; i < 2; i++) {
            ByteBuf bytes = Unpooled.buffer();
            Requests.header(bytes, NbdCommand.READ, 0, 1, SIZE_BYTES, 512);
            growing.decode(bytes);
            sizeBytes[0] += 4096;
        }
        assertTrue(sink.events.get(0).startsWith("refused 0"));
        assertTrue(sink.events.get(1).startsWith("ready 0"));
    }

    @Test
    void aSinkThatLeavesPayloadUnreadIsABug() {
        RequestDecoder broken = decoder(new RecordingSink() {
            @Override
            public void payload(ByteBuf in, int lengthBytes) {
                in.skipBytes(lengthBytes - 1);
            }
        });
        ByteBuf bytes = Unpooled.buffer();
        write(bytes, 1, 0, 10);
        assertThrows(AssertionError.class, () -> broken.decode(bytes));
    }
}

package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.gossamer.daemon.server.stream.ClientStream;
import io.netty.buffer.ByteBuf;
import org.junit.jupiter.api.Test;

class StallDetectorTest {
    private static final ConnectionLimits LIMITS = new ConnectionLimits(1, 1, 1, 60_000, 5_000);
    private static final String NOT_TAKEN = "replies are not taken";

    private final Stream stream = new Stream();
    private final StallDetector detector = new StallDetector(stream, LIMITS);

    private String look(long missingBytes, int seconds, boolean pressed) {
        return detector.look(missingBytes, seconds * 1_000_000_000L, pressed, false);
    }

    /** T37: a write that waits for space, of a client that has half closed and is gone (seed 362 of the simulation). */
    @Test
    void whoHasEndedDoesNotStayForEverBehindARequestThatDoesNotEnd() {
        assertNull(detector.look(0, 0, false, false));
        assertNull(detector.look(0, 100_000_000_000L, false, true), "time begins with its end");
        assertNull(detector.look(0, 159_000_000_000L, true, true), "whether others wait or not");
        assertEquals(
                "its client has ended, and its last requests do not", detector.look(0, 160_000_000_000L, false, true));
    }

    @Test
    void whoOwesNothingMayStayForEver() {
        assertNull(look(0, 0, false));
        assertNull(look(0, 1000, true));
        stream.unsentBytes = 1 << 20;
        assertNull(look(0, 1001, true), "time begins when something is owed");
        assertEquals(NOT_TAKEN, look(0, 1006, true));
    }

    @Test
    void aMinuteIsForThoseWhoKeepNobodyWaiting() {
        stream.unsentBytes = 1 << 20;
        assertNull(look(0, 0, false));
        assertNull(look(0, 59, false));
        assertEquals(NOT_TAKEN, look(0, 60, false));
    }

    @Test
    void aFewBytesAreProgressUnlessOthersWait() {
        stream.unsentBytes = 1 << 20;
        assertNull(look(0, 0, false));
        stream.sent = 100;
        assertNull(look(0, 100, false));
        for (int i = 1; i < 5; i++) {
            stream.sent += 100;
            assertNull(look(0, 100 + i, true));
        }
        assertEquals(NOT_TAKEN, look(0, 105, true));
        stream.sent += 16 << 10;
        assertNull(look(0, 106, true));
    }

    @Test
    void payloadThatDoesNotArriveIsOwedToo() {
        assertNull(look(1 << 20, 0, true));
        assertEquals("a write was begun and not completed", look((1 << 20) - 10, 5, true));
        assertNull(look(1 << 19, 6, true), "it goes on");
        assertNull(look(1 << 20, 12, true), "the next one has begun");
    }

    private static final class Stream implements ClientStream {
        private long unsentBytes;
        private long sent;

        @Override
        public ByteBuf header() {
            throw new AssertionError();
        }

        @Override
        public void data(ByteBuf bytes) {
            throw new AssertionError();
        }

        @Override
        public void endReply() {}

        @Override
        public boolean isWritable() {
            return true;
        }

        @Override
        public void lookForClient() {}

        @Override
        public void resume() {}

        @Override
        public void finish() {}

        @Override
        public void close() {}

        @Override
        public long unsentBytes() {
            return unsentBytes;
        }

        @Override
        public long sendProgress() {
            return sent;
        }
    }
}

package dev.gossamer.daemon.server.stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.internal.PlatformDependent;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SendQueueTest {
    private final SendQueue queue = new SendQueue();
    private final ByteArrayOutputStream expected = new ByteArrayOutputStream();
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private final List<ByteBuf> given = new ArrayList<>();

    @Test
    void acknowledgementsThatFollowEachOtherAreOnePiece() {
        header(16, 1);
        header(16, 2);
        header(16, 3);
        assertEquals(1, queue.pieces());
        assertEquals(48, queue.lengthBytes(0));
        queue.close();
    }

    @Test
    void dataIsGivenBackWithItsLastByte() {
        header(16, 1);
        data(100, 2);
        queue.sent(16 + 99);
        assertEquals(1, given.get(0).refCnt());
        queue.sent(1);
        assertEquals(0, given.get(0).refCnt());
        assertEquals(0, queue.unsentBytes());
        queue.close();
    }

    @Test
    void closingGivesEverythingBack() {
        header(16, 1);
        data(100, 2);
        header(16, 3);
        data(100, 4);
        queue.sent(50);
        queue.close();
        assertTrue(given.stream().allMatch(bytes -> bytes.refCnt() == 0));
    }

    /** A fast and a slow client: the bytes are those that were given, in order, whatever the sends cut off. */
    @ParameterizedTest
    @ValueSource(ints = {20, 2000})
    void theBytesSentAreTheBytesGiven(int mostPiecesWaiting) {
        Random random = Seeds.random(mostPiecesWaiting);
        for (int i = 0; i < 4000; i++) {
            header(1 + random.nextInt(i % 100 == 0 ? 260 : 32), random.nextInt());
            if (random.nextInt(3) == 0) {
                data(1 + random.nextInt(64), random.nextInt());
            }
            if (queue.pieces() > mostPiecesWaiting || random.nextInt(10) == 0) {
                send(1 + random.nextInt((int) Math.min(queue.unsentBytes(), 4096)));
            }
        }
        send((int) queue.unsentBytes());
        assertArrayEquals(expected.toByteArray(), sent.toByteArray());
        assertEquals(0, queue.pieces());
        assertTrue(given.stream().allMatch(bytes -> bytes.refCnt() == 0));
        queue.close();
    }

    private void header(int lengthBytes, int seed) {
        fill(queue.header(), lengthBytes, seed);
        queue.endHeader();
    }

    private void data(int lengthBytes, int seed) {
        ByteBuf bytes = Unpooled.directBuffer(lengthBytes);
        fill(bytes, lengthBytes, seed);
        given.add(bytes);
        queue.data(bytes);
    }

    private void fill(ByteBuf bytes, int lengthBytes, int seed) {
        for (int i = 0; i < lengthBytes; i++) {
            bytes.writeByte(seed + i);
            expected.write(seed + i);
        }
    }

    private void send(int lengthBytes) {
        int left = lengthBytes;
        for (int piece = 0; left > 0; piece++) {
            int length = Math.min(left, queue.lengthBytes(piece));
            for (int i = 0; i < length; i++) {
                sent.write(PlatformDependent.getByte(queue.address(piece) + i));
            }
            left -= length;
        }
        queue.sent(lengthBytes);
    }
}

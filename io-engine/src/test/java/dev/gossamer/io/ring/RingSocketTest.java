package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.posix.Descriptors;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import io.netty.channel.uring.IoUring;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A receive in two pieces, over a real socket. */
@Timeout(60)
class RingSocketTest {
    private static final int PAYLOAD_BYTES = 100_000;
    private static final int REST_BYTES = 28;
    private static final int CLOSED = Integer.MIN_VALUE;
    private static final byte UNTOUCHED = -1;

    @TempDir
    private Path scratch;

    private final BlockingQueue<Integer> results = new LinkedBlockingQueue<>();
    private final ByteBuf payload = Unpooled.directBuffer(PAYLOAD_BYTES + 1);
    private final ByteBuf rest = Unpooled.directBuffer(REST_BYTES + 1);
    private final CountDownLatch over = new CountDownLatch(1);
    private IoLoops loops;
    private SocketChannel peer;
    private RingSocket socket;
    private int ends;

    @BeforeEach
    void connect() throws Exception {
        assumeTrue(IoUring.isAvailable(), "io_uring is not allowed here");
        loops = IoLoops.start(1, IoEngineChoice.RING, 1 << 20);
        Path path = scratch.resolve("socket");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
            Socket ours = Socket.newSocketDomain();
            ours.connect(new DomainSocketAddress(path.toString()));
            peer = server.accept();
            int descriptor = Descriptors.duplicate(ours.intValue());
            ours.close();
            onLoop(() -> socket = new RingSocket(
                    new UringPort(loops.loop(0), descriptor), loops.loop(0).faults(), new Results()));
        }
        for (ByteBuf memory : new ByteBuf[] {payload, rest}) {
            byte[] untouched = new byte[memory.capacity()];
            Arrays.fill(untouched, UNTOUCHED);
            memory.writeBytes(untouched);
        }
    }

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        if (loops == null) {
            return;
        }
        onLoop(socket::close);
        assertTrue(over.await(10, TimeUnit.SECONDS), "closed");
        peer.close();
        loops.close();
        payload.release();
        rest.release();
    }

    private void onLoop(Runnable task) throws Exception {
        loops.loop(0).eventLoop().submit(task).get();
    }

    /** Also bytes that the kernel has already: so many that one receive can take them, and none later. */
    private int receive(int payloadBytes, int sentBytes) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(sentBytes);
        for (int i = 0; i < sentBytes; i++) {
            bytes.put(i, value(i));
        }
        while (bytes.hasRemaining()) {
            peer.write(bytes);
        }
        onLoop(() -> socket.receive(payload.memoryAddress(), payloadBytes, rest.memoryAddress(), REST_BYTES));
        return results.take();
    }

    private static byte value(int index) {
        return (byte) (index % 101);
    }

    @ParameterizedTest
    @ValueSource(ints = {-70_000, -1, 0, 1, REST_BYTES - 1, REST_BYTES})
    void theFirstBytesArePayloadAndThoseBeyondAreNot(int beyond) throws Exception {
        int sentBytes = PAYLOAD_BYTES + beyond;
        assertEquals(sentBytes, receive(PAYLOAD_BYTES, sentBytes));
        byte[] expected = new byte[PAYLOAD_BYTES + 1];
        Arrays.fill(expected, UNTOUCHED);
        for (int i = 0; i < Math.min(sentBytes, PAYLOAD_BYTES); i++) {
            expected[i] = value(i);
        }
        assertEquals(Unpooled.wrappedBuffer(expected), payload);
        for (int i = 0; i <= REST_BYTES; i++) {
            assertEquals(i < beyond ? value(PAYLOAD_BYTES + i) : UNTOUCHED, rest.getByte(i), "rest at " + i);
        }
    }

    @Test
    void withoutPayloadAllIsRest() throws Exception {
        assertEquals(10, receive(0, 10));
        assertEquals(value(9), rest.getByte(9));
        assertEquals(UNTOUCHED, rest.getByte(10));
        assertEquals(UNTOUCHED, payload.getByte(0));
    }

    @Test
    void moreThanThereIsRoomForStaysInTheSocket() throws Exception {
        assertEquals(10 + REST_BYTES, receive(10, 10 + REST_BYTES + 5));
        onLoop(() -> socket.receive(0, 0, rest.memoryAddress(), REST_BYTES));
        assertEquals(5, results.take());
        assertEquals(value(10 + REST_BYTES), rest.getByte(0));
    }

    @Test
    void theEndOfTheStreamIsToldInTheMiddleOfPayload() throws Exception {
        assertEquals(10, receive(PAYLOAD_BYTES, 10));
        onLoop(() -> socket.receive(payload.memoryAddress(), PAYLOAD_BYTES, rest.memoryAddress(), REST_BYTES));
        peer.close();
        assertEquals(0, results.take());
    }

    /** Until then the memory belongs to the kernel. */
    @Test
    void aSocketIsClosedWhenItsReceiveHasComeBack() throws Exception {
        onLoop(() -> {
            socket.receive(payload.memoryAddress(), PAYLOAD_BYTES, rest.memoryAddress(), REST_BYTES);
            socket.close();
            assertFalse(results.contains(CLOSED), "closed while the kernel has the memory");
        });
        assertEquals(CLOSED, results.take(), "nothing was received");
        assertEquals(null, results.poll(100, TimeUnit.MILLISECONDS), "and closed once");
    }

    private final class Results implements RingSocket.Listener {
        @Override
        public void received(int result) {
            results.add(result);
        }

        @Override
        public void sent(int result) {
            throw new AssertionError("nothing was sent");
        }

        @Override
        public void hungUp() {
            throw new AssertionError("not asked for");
        }

        @Override
        public void closing() {
            assertFalse(results.contains(CLOSED), "the end begins before it is there");
            ends++;
        }

        @Override
        public void closed() {
            assertEquals(1, ends, "times that the beginning of the end was told");
            results.add(CLOSED);
            over.countDown();
        }
    }
}

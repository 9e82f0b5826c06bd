package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.stream.RingStream;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Payload that is received in place, together with the header behind it, however the bytes arrive. */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class LargeWritesTest {
    private static final int DISK_BYTES = 4 << 20;
    private static final int BUFFER_BYTES = 8 << 20;
    private static final int LARGE = 128 << 10;
    private static final int HEADER_BYTES = 28;

    @Parameter
    private IoEngineChoice engine;

    @TempDir
    private Path directory;

    private final MemoryDevice device = new MemoryDevice(DISK_BYTES);
    private final byte[] model = new byte[DISK_BYTES];
    private final List<NbdTestClient.Reply> expected = new ArrayList<>();
    private IoLoops loops;
    private ServedExports served;

    private NbdTestClient start(int requests) throws IOException {
        loops = IoLoops.start(1, engine, BUFFER_BYTES);
        ConnectionLimits limits = new ConnectionLimits(requests, 4 << 20, 1 << 20, 60_000);
        NbdServer server = new NbdServer(loops, new OneExport(device, DISK_BYTES), limits, TlsSettings.OFF);
        served = new ServedExports(loops, server, directory);
        return new NbdTestClient(served.socket(), OneExport.NAME);
    }

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        device.releaseAll();
        served.closeEmpty();
    }

    @Test
    void nothingNeedsToFollow() throws IOException {
        try (NbdTestClient client = start(256)) {
            byte[] data = new byte[LARGE];
            Arrays.fill(data, (byte) 7);
            for (int i = 0; i < 3; i++) {
                client.write(i, (long) i * LARGE, data);
                assertEquals(i, client.reply(0).cookie());
            }
            client.read(9, 2L * LARGE, LARGE);
            assertEquals(ByteBuffer.wrap(data), client.reply(LARGE).data());
        }
    }

    /** Commands of all kinds and sizes, cut anywhere; the device answers at once, so replies come in order. */
    @Test
    void anyMixOfCommandsInAnyFragments() throws Exception {
        for (int round = 0; round < 12; round++) {
            long seed = System.nanoTime();
            Random random = Seeds.random(seed);
            try (NbdTestClient client = round == 0 ? start(256) : connect()) {
                client.write(0, 0, model);
                assertEquals(0, client.reply(0).cookie());
                ByteBuffer bytes = commands(random, 60);
                Thread sender = Thread.ofPlatform().start(() -> sendInFragments(client, bytes, random));
                for (NbdTestClient.Reply reply : expected) {
                    assertEquals(reply, client.reply(reply.data().remaining()), "seed " + seed);
                }
                sender.join();
            }
        }
    }

    private NbdTestClient connect() throws IOException {
        return new NbdTestClient(directory.resolve("nbd.sock"), OneExport.NAME);
    }

    private ByteBuffer commands(Random random, int count) {
        expected.clear();
        ByteBuffer bytes = ByteBuffer.allocate(count * (HEADER_BYTES + 300_000));
        for (int cookie = 1; cookie <= count; cookie++) {
            int length = length(random);
            int offset = random.nextInt(DISK_BYTES - length);
            ByteBuffer data = ByteBuffer.allocate(0);
            int error = NbdError.OK;
            switch (random.nextInt(10)) {
                case 0 -> bytes.put(
                        NbdTestClient.header(NbdCommand.FLUSH, 0, cookie, 0, 0).flip());
                case 1, 2 -> {
                    bytes.put(NbdTestClient.header(NbdCommand.READ, 0, cookie, offset, length)
                            .flip());
                    data = ByteBuffer.wrap(Arrays.copyOfRange(model, offset, offset + length));
                }
                case 3 -> {
                    error = NbdError.ENOSPC;
                    bytes.put(NbdTestClient.header(NbdCommand.WRITE, 0, cookie, DISK_BYTES, Math.max(1, length))
                            .flip());
                    bytes.put(new byte[Math.max(1, length)]);
                }
                default -> {
                    byte[] payload = new byte[length];
                    random.nextBytes(payload);
                    bytes.put(NbdTestClient.header(NbdCommand.WRITE, 0, cookie, offset, length)
                            .flip());
                    bytes.put(payload);
                    System.arraycopy(payload, 0, model, offset, length);
                }
            }
            expected.add(new NbdTestClient.Reply(cookie, error, data));
        }
        return bytes.flip();
    }

    private static int length(Random random) {
        int large = RingStream.LARGE_PAYLOAD_BYTES;
        return switch (random.nextInt(5)) {
            case 0 -> random.nextInt(100);
            case 1 -> 4096;
            case 2 -> large - 2 + random.nextInt(4);
            case 3 -> LARGE;
            default -> random.nextInt(300_000);
        };
    }

    private static void sendInFragments(NbdTestClient client, ByteBuffer bytes, Random random) {
        int end = bytes.limit();
        try {
            while (bytes.position() < end) {
                int most = 1 << random.nextInt(19);
                bytes.limit(Math.min(end, bytes.position() + 1 + random.nextInt(most)));
                client.send(bytes);
                if (random.nextInt(4) == 0) {
                    LockSupport.parkNanos(100_000);
                }
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Every cut around the end of the payload, the server having taken what was before it. */
    @Test
    void theNextHeaderIsFoundWhereverTheReceiveEnds() throws IOException {
        try (NbdTestClient client = start(256)) {
            for (int cut = LARGE - 2; cut <= LARGE + HEADER_BYTES + 2; cut++) {
                byte[] payload = new byte[LARGE];
                Seeds.random(cut).nextBytes(payload);
                ByteBuffer both = ByteBuffer.allocate(2 * (HEADER_BYTES + LARGE));
                for (int i = 0; i < 2; i++) {
                    both.put(NbdTestClient.header(NbdCommand.WRITE, 0, i, (long) i * LARGE, LARGE)
                            .flip());
                    both.put(payload);
                }
                both.flip();
                int end = both.limit();
                client.send(both.limit(HEADER_BYTES + cut));
                LockSupport.parkNanos(2_000_000);
                client.send(both.limit(end));
                assertEquals(0, client.reply(0).cookie());
                assertEquals(1, client.reply(0).cookie());
                for (int i = 0; i < 2; i++) {
                    client.read(2, (long) i * LARGE, LARGE);
                    assertEquals(ByteBuffer.wrap(payload), client.reply(LARGE).data(), "cut " + cut);
                }
            }
        }
    }

    @Test
    void aCommandBehindAWriteIsTakenWithItsPayloadAndWaitsIfItMust() throws IOException {
        try (NbdTestClient client = start(1)) {
            device.hold();
            byte[] data = new byte[LARGE];
            Arrays.fill(data, (byte) 3);
            client.write(1, 0, data);
            // Little enough for the socket to hold while nobody takes it.
            client.write(2, LARGE, Arrays.copyOf(data, LARGE / 4));
            client.read(3, LARGE, 10);
            client.disconnect();
            device.awaitSubmitted(1);
            LockSupport.parkNanos(20_000_000);
            assertEquals(1, device.submitted(), "one at a time");
            device.releaseAll();
            assertEquals(1, client.reply(0).cookie());
            assertEquals(2, client.reply(0).cookie());
            assertEquals(ByteBuffer.wrap(data, 0, 10), client.reply(10).data());
            assertTrue(client.atEnd());
        }
    }

    @Test
    void aWriteThatBreaksOffInItsPayloadIsNeverStarted() throws Exception {
        try (NbdTestClient client = start(256)) {
            client.write(1, 0, new byte[LARGE]);
            client.send(NbdTestClient.header(NbdCommand.WRITE, 0, 2, 0, LARGE).flip());
            client.send(ByteBuffer.allocate(LARGE - 1));
            assertEquals(1, client.reply(0).cookie());
            awaitPayloadBuffer();
        }
        device.awaitClosed();
        assertEquals(1, device.submitted());
    }

    @Test
    void aStopInTheMiddleOfPayloadGivesItsMemoryBack() throws Exception {
        try (NbdTestClient client = start(256)) {
            client.send(NbdTestClient.header(NbdCommand.WRITE, 0, 2, 0, LARGE).flip());
            client.send(ByteBuffer.allocate(LARGE / 2));
            awaitPayloadBuffer();
            served.server().stop(10_000);
            client.takeUntilEnd();
        }
        assertEquals(0, device.submitted());
    }

    private void awaitPayloadBuffer() throws Exception {
        NettyLoop loop = loops.loop(0);
        while (loop.eventLoop().submit(() -> loop.buffers().usedBytes()).get().longValue() < LARGE) {
            LockSupport.parkNanos(1_000_000);
        }
    }
}

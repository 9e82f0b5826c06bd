package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.connection.NbdConnection;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.wire.NbdCommand;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A connection ends at any moment: what is ready by then is not sent, everything is given back, and the other clients
 * of the loop notice nothing.
 */
@Timeout(120)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class ConnectionEndTest extends ServerFixture {
    private static final int CUTTERS = 3;
    private static final int CUTS = 60;
    private static final int SECTOR_BYTES = 512;

    /** All clients on one loop, so that one's end comes between the others' requests. */
    @BeforeEach
    void serve() throws IOException {
        serve(1, ConnectionLimits.DEFAULT, BUFFER_BYTES);
    }

    private void awaitConnections(int count) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (server.connections().size() != count && System.nanoTime() - end < 0) {
            TimeUnit.MILLISECONDS.sleep(2);
        }
        assertEquals(count, server.connections().size(), "connections that are not over");
    }

    @Test
    void whatCompletesAfterTheEndBeganIsNotSent() throws Exception {
        try (NbdTestClient ending = connect()) {
            device.hold();
            for (long cookie = 1; cookie <= 3; cookie++) {
                ending.read(cookie, 0, 4096);
            }
            ending.write(4, 0, new byte[4096]);
            device.awaitSubmitted(4);
            try (NbdTestClient other = connect()) {
                other.read(5, 0, 4096);
                device.awaitSubmitted(5);
                // In one turn of the loop: the end begins, and all requests complete before the kernel has let go.
                loops.loop(0).execute(() -> {
                    server.connections().connections().getFirst().drop("a test");
                    device.releaseAll();
                });
                assertEquals(5, other.reply(4096).cookie());
                awaitConnections(1);
                assertEquals(1, device.closed());
                ending.takeUntilEnd();
                other.write(6, 0, new byte[4096]);
                assertEquals(6, other.reply(0).cookie());
            }
        }
        awaitConnections(0);
        assertNothingIsHeld();
    }

    @Test
    void whatArrivesAfterTheEndBeganIsNotExecuted() throws Exception {
        try (NbdTestClient ending = connect()) {
            device.hold();
            for (long cookie = 0; cookie < ConnectionLimits.DEFAULT.requests(); cookie++) {
                ending.read(cookie, 0, 512);
            }
            device.awaitSubmitted(ConnectionLimits.DEFAULT.requests());
            // Beyond the limit: read from the socket, and waiting for a place.
            ending.read(-1, 0, 512);
            ending.read(-2, 0, 512);
            TimeUnit.MILLISECONDS.sleep(50);
            loops.loop(0).execute(() -> {
                server.connections().connections().getFirst().drop("a test");
                device.releaseAll();
            });
            awaitConnections(0);
            assertEquals(ConnectionLimits.DEFAULT.requests(), device.submitted());
        }
        assertNothingIsHeld();
    }

    @Test
    void anotherThreadThanTheLoopsIsNotLetIn() throws Exception {
        try (NbdTestClient client = connect()) {
            client.read(1, 0, SECTOR_BYTES);
            client.reply(SECTOR_BYTES);
            NbdConnection connection = server.connections().connections().getFirst();
            assertThrows(AssertionError.class, () -> connection.take(Unpooled.EMPTY_BUFFER));
            assertThrows(AssertionError.class, () -> connection.payloadArrived(1));
            assertThrows(AssertionError.class, connection::closed);
            client.read(2, 0, SECTOR_BYTES);
            assertEquals(2, client.reply(SECTOR_BYTES).cookie());
        }
    }

    /** One client goes on, and verifies, while others vanish in the middle of everything. */
    @Test
    void connectionsCutAtRandomLeaveNothingBehindAndDisturbNobody() throws Exception {
        device.answerAfter(200_000);
        CountDownLatch cutting = new CountDownLatch(CUTTERS);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int i = 0; i < CUTTERS; i++) {
            SplittableRandom random = Seeds.splittable(i);
            Thread.ofPlatform().start(() -> {
                try {
                    for (int cut = 0; cut < CUTS; cut++) {
                        cutOne(random);
                    }
                } catch (Throwable e) {
                    failure.set(e);
                } finally {
                    cutting.countDown();
                }
            });
        }
        try (NbdTestClient witness = connect()) {
            byte[] data = new byte[SECTOR_BYTES];
            for (long round = 0; cutting.getCount() > 0 || round < 100; round++) {
                // The last sectors are the witness's own.
                long offset = DISK_BYTES - SECTOR_BYTES * (1 + round % 8);
                Arrays.fill(data, (byte) round);
                witness.write(2 * round, offset, data);
                assertEquals(2 * round, witness.reply(0).cookie());
                witness.read(2 * round + 1, offset, SECTOR_BYTES);
                NbdTestClient.Reply read = witness.reply(SECTOR_BYTES);
                assertEquals(ByteBuffer.wrap(data), read.data());
            }
            assertNull(failure.get(), () -> "a client that was cut: " + failure.get());
            awaitConnections(1);
        }
        awaitConnections(0);
        assertNothingIsHeld();
        assertEquals(CUTTERS * CUTS + 1, device.closed());
    }

    private void cutOne(SplittableRandom random) throws IOException, InterruptedException {
        try (NbdTestClient client = connect()) {
            int commands = random.nextInt(1, 60);
            for (int i = 0; i < commands; i++) {
                int length = SECTOR_BYTES << random.nextInt(8);
                if (random.nextBoolean()) {
                    client.read(i, 0, length);
                } else {
                    client.write(i, 0, new byte[length]);
                }
            }
            if (random.nextInt(3) == 0) {
                // A write that ends in the middle of its header or of its payload.
                ByteBuffer write = ByteBuffer.allocate(28 + 4096);
                write.put(NbdTestClient.header(NbdCommand.WRITE, 0, -1, 0, 8192).flip());
                client.send(write.clear().limit(random.nextInt(1, write.capacity())));
            }
            if (random.nextInt(3) == 0) {
                client.shutdownOutput();
            }
            if (random.nextBoolean()) {
                TimeUnit.MICROSECONDS.sleep(random.nextInt(1000));
            }
        } catch (SocketException e) {
            // Broken off by the server, which has noticed the end of what it was sent.
            assertTrue(e.getMessage() != null, "a reason");
        }
    }
}

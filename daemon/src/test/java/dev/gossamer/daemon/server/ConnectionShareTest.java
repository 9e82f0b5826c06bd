package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What one connection may hold of its loop, and that the others are served when it holds all of that. */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class ConnectionShareTest extends ServerFixture {
    @Test
    void whenTheLoopHasNoMemoryCommandsWaitAndNoneIsLost() throws IOException {
        try (NbdTestClient client = start(ConnectionLimits.DEFAULT, 1 << 20)) {
            device.hold();
            int writes = 400;
            Thread sender = Thread.ofPlatform().start(() -> sendWrites(client, writes));
            device.awaitSubmitted(128);
            assertEquals(128, device.submitted(), "half of 1 MiB has room for 128 writes of 4 KiB");
            device.releaseAll();
            Set<Long> cookies = new HashSet<>();
            for (int i = 0; i < writes; i++) {
                cookies.add(acknowledged(client).cookie());
            }
            assertEquals(writes, cookies.size());
            join(sender);
        }
    }

    @Test
    void aConnectionThatHoldsItsShareWaitsWhileAnotherIsServed() throws IOException {
        ConnectionLimits limits = new ConnectionLimits(4, 64 << 20, 32 << 20, 60_000);
        try (NbdTestClient greedy = start(limits, BUFFER_BYTES);
                NbdTestClient modest = new NbdTestClient(socket, EXPORT)) {
            device.hold();
            for (long cookie = 0; cookie < 10; cookie++) {
                greedy.read(cookie, 0, 4096);
            }
            device.awaitSubmitted(4);
            modest.read(99, 0, 4096);
            device.awaitSubmitted(5);
            assertEquals(5, device.submitted());
            device.release(4);
            assertEquals(99, modest.reply(4096).cookie());
            device.releaseAll();
            for (int i = 0; i < 10; i++) {
                assertEquals(NbdError.OK, greedy.reply(4096).error());
            }
        }
    }

    /** Those that were there first hold all they may, and take nothing back from the device: the last one is served. */
    @Test
    void connectionsThatTakeAllTheyCanLeaveMemoryForTheNextT53T54() throws IOException {
        try (NbdTestClient first = start(ConnectionLimits.DEFAULT, 1 << 20);
                NbdTestClient second = new NbdTestClient(socket, EXPORT);
                NbdTestClient third = new NbdTestClient(socket, EXPORT)) {
            device.hold();
            int submitted = 0;
            for (NbdTestClient greedy : List.of(first, second)) {
                for (long cookie = 0; cookie < 100; cookie++) {
                    greedy.read(cookie, 0, 32 << 10);
                }
                // A half of 32 pieces, then a half of the other half.
                submitted += greedy == first ? 16 : 8;
                device.awaitSubmitted(submitted);
            }
            third.read(1, 0, 128 << 10);
            device.awaitSubmitted(submitted + 1);
            assertEquals(submitted + 1, device.submitted());
            device.releaseAll();
            assertEquals(1, third.reply(128 << 10).cookie());
            for (NbdTestClient greedy : List.of(first, second)) {
                for (int i = 0; i < 100; i++) {
                    assertEquals(NbdError.OK, greedy.reply(32 << 10).error());
                }
            }
        }
    }

    /** Who holds the loop's memory and takes nothing makes way for one who has none, long before his time is up. */
    @Test
    void whoTakesNothingMakesWayForWhoCannotGoOn() throws IOException {
        ConnectionLimits limits = new ConnectionLimits(256, 4 << 20, 1 << 20, 600_000, 400);
        List<NbdTestClient> stuck = new ArrayList<>();
        try (NbdTestClient first = start(limits, 1 << 20)) {
            stuck.add(first);
            while (stuck.size() < 12) {
                stuck.add(new NbdTestClient(socket, EXPORT));
            }
            for (NbdTestClient client : stuck) {
                for (int i = 0; i < 64; i++) {
                    client.read(i, 0, 64 << 10);
                }
            }
            try (NbdTestClient next = new NbdTestClient(socket, EXPORT)) {
                next.read(1, 0, 512 << 10);
                assertEquals(NbdError.OK, next.reply(512 << 10).error());
            }
        } finally {
            for (NbdTestClient client : stuck) {
                client.close();
            }
        }
    }

    /** Commands that need no memory for data cost heap: those of all connections of a loop together are limited. */
    @Test
    void commandsOfAllConnectionsTogetherAreLimitedAndEachMayHaveOne() throws IOException {
        int loopLimit = 16 << 10;
        int each = ConnectionLimits.DEFAULT.requests();
        List<NbdTestClient> clients = new ArrayList<>();
        try (NbdTestClient first = start()) {
            device.hold();
            clients.add(first);
            while (clients.size() < loopLimit / each + 2) {
                clients.add(new NbdTestClient(socket, EXPORT));
            }
            for (NbdTestClient client : clients) {
                for (int i = 0; i < each; i++) {
                    client.request(NbdCommand.TRIM, 0, i, 0, 4096);
                }
            }
            device.awaitSubmitted(loopLimit - each);
            try (NbdTestClient next = new NbdTestClient(socket, EXPORT)) {
                int before = device.submitted();
                next.request(NbdCommand.TRIM, 0, 1, 0, 4096);
                device.awaitSubmitted(before + 1);
                assertTrue(
                        device.submitted() <= loopLimit + clients.size() + 1, () -> device.submitted() + " commands");
                device.releaseAll();
                assertEquals(1, acknowledged(next).cookie());
            }
            for (NbdTestClient client : clients) {
                Set<Long> cookies = new HashSet<>();
                for (int i = 0; i < each; i++) {
                    cookies.add(acknowledged(client).cookie());
                }
                assertEquals(each, cookies.size());
            }
        } finally {
            for (NbdTestClient client : clients) {
                client.close();
            }
        }
    }

    /** 32 MiB at once would keep the loop, and a disk, from everybody else for as long as they take. */
    @Test
    void aLongReadGoesPieceByPiece() throws IOException {
        try (NbdTestClient first = start();
                NbdTestClient client = NbdTestClient.structured(socket, EXPORT)) {
            first.read(1, 0, 1);
            first.reply(1);
            int before = device.submitted();
            device.hold();
            client.read(1, 4096, 4 << 20);
            device.awaitSubmitted(before + 1);
            for (int piece = 2; piece <= 5; piece++) {
                assertEquals(1, device.held(), "pieces at a time");
                device.release(0);
                device.awaitSubmitted(before + piece);
            }
            device.releaseAll();
            int bytes = 0;
            NbdTestClient.Chunk chunk;
            do {
                chunk = client.chunk();
                bytes += chunk.payload().remaining() - Long.BYTES;
            } while (!chunk.done());
            assertEquals(4 << 20, bytes);
            assertEquals(before + 5, device.submitted());
        }
    }

    @Test
    void theDataOfAConnectionIsLimitedAndFreeAgainOnceItIsSent() throws IOException {
        ConnectionLimits limits = new ConnectionLimits(256, 64 << 10, 32 << 20, 60_000);
        try (NbdTestClient client = start(limits, BUFFER_BYTES);
                NbdTestClient other = new NbdTestClient(socket, EXPORT)) {
            device.hold();
            int reads = 200;
            for (long cookie = 0; cookie < reads; cookie++) {
                client.read(cookie, 0, 32 << 10);
            }
            device.awaitSubmitted(2);
            other.read(1, 0, 1);
            device.awaitSubmitted(3);
            assertEquals(3, device.submitted(), "64 KiB are two reads of 32 KiB, and one of the other connection");
            device.releaseAll();
            for (int i = 0; i < reads; i++) {
                assertEquals(NbdError.OK, client.reply(32 << 10).error());
            }
        }
    }

    @Test
    void aReaderThatStopsIsDroppedAndOthersGoOn() throws IOException {
        ConnectionLimits limits = new ConnectionLimits(256, 4 << 20, 1 << 20, 400);
        try (NbdTestClient stuck = start(limits, BUFFER_BYTES)) {
            for (long cookie = 0; cookie < 64; cookie++) {
                stuck.read(cookie, 0, 256 << 10);
            }
            try (NbdTestClient other = new NbdTestClient(socket, EXPORT)) {
                for (long cookie = 0; cookie < 100; cookie++) {
                    other.read(cookie, 0, 4096);
                    assertEquals(cookie, other.reply(4096).cookie());
                }
                device.awaitClosed();
                other.read(1, 0, 4096);
                assertEquals(1, other.reply(4096).cookie());
            }
        }
    }

    private static void sendWrites(NbdTestClient client, int count) {
        byte[] data = new byte[4096];
        Arrays.fill(data, (byte) 1);
        try {
            for (long cookie = 0; cookie < count; cookie++) {
                client.write(cookie, cookie * 4096, data);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}

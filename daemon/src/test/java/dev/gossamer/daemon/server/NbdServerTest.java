package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionCounters;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections over real sockets, in front of a device that the test controls. */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class NbdServerTest {
    private static final int DISK_BYTES = 8 << 20;
    private static final int BUFFER_BYTES = 16 << 20;
    private static final String EXPORT = OneExport.NAME;

    @Parameter
    private IoEngineChoice engine;

    @TempDir
    private Path directory;

    private final MemoryDevice device = new MemoryDevice(DISK_BYTES);
    private IoLoops loops;
    private NbdServer server;
    private Path socket;

    private NbdTestClient start() throws IOException {
        return start(ConnectionLimits.DEFAULT, BUFFER_BYTES);
    }

    private NbdTestClient start(ConnectionLimits limits, int bufferBytes) throws IOException {
        loops = IoLoops.start(1, engine, bufferBytes);
        server = new NbdServer(loops, new OneExport(device, DISK_BYTES), limits, TlsSettings.OFF);
        socket = directory.resolve("nbd.sock");
        server.listen(new ListenAddress.Unix(socket));
        return new NbdTestClient(socket, EXPORT);
    }

    /** Every test ends here: whatever happened to the connections, nothing may be left over. */
    @AfterEach
    void everythingIsGivenBack() throws Exception {
        if (server == null) {
            return;
        }
        device.releaseAll();
        server.stop(10_000);
        NettyLoop loop = loops.loop(0);
        loop.eventLoop()
                .submit(() -> {
                    assertEquals(0, loop.requests().inUse(), "requests in use");
                    assertEquals(0, loop.buffers().usedBytes(), "buffer bytes in use");
                })
                .get();
        assertEquals(0, server.connections().size(), "connections");
        loops.close();
        assertFalse(Files.exists(socket), "socket file");
    }

    @Test
    void whatIsWrittenAtAnyOffsetIsReadBack() throws IOException {
        try (NbdTestClient client = start()) {
            byte[] data = random(Seeds.random(1), 1000);
            client.write(7, 513, data);
            assertEquals(new Acknowledged(7, NbdError.OK), acknowledged(client));
            client.read(8, 513, 1000);
            assertEquals(ByteBuffer.wrap(data), client.reply(1000).data());
        }
    }

    @Test
    void manyRequestsAtOnceEachGetTheirOwnData() throws IOException {
        Random random = Seeds.random(3);
        int pieces = 64;
        int pieceBytes = DISK_BYTES / pieces;
        try (NbdTestClient client = start()) {
            Map<Long, byte[]> expected = new HashMap<>();
            for (long i = 0; i < pieces; i++) {
                byte[] data = random(random, 1 + random.nextInt(pieceBytes));
                expected.put(i, data);
                client.write(i, i * pieceBytes, data);
            }
            for (int i = 0; i < pieces; i++) {
                assertEquals(NbdError.OK, acknowledged(client).error());
            }
            for (long i = 0; i < pieces; i++) {
                client.read(i, i * pieceBytes, expected.get(i).length);
                assertEquals(
                        ByteBuffer.wrap(expected.get(i)),
                        client.reply(expected.get(i).length).data());
            }
        }
    }

    @Test
    void commandsMayComeInOnePieceWithTheLastOption() throws IOException {
        start().close();
        byte[] data = random(Seeds.random(2), 100_000);
        ByteBuffer behind = ByteBuffer.allocate(28 + data.length + 28);
        behind.put(
                NbdTestClient.header(NbdCommand.WRITE, 0, 1, 4096, data.length).flip());
        behind.put(data);
        behind.put(NbdTestClient.header(NbdCommand.READ, 0, 2, 0, 16).flip());
        try (NbdTestClient client = new NbdTestClient(UnixDomainSocketAddress.of(socket), EXPORT, behind.flip())) {
            Map<Long, Integer> answered = new HashMap<>();
            for (int i = 0; i < 2; i++) {
                NbdTestClient.Reply reply = client.reply(cookie -> cookie == 2 ? 16 : 0);
                answered.put(reply.cookie(), reply.error());
            }
            assertEquals(Map.of(1L, NbdError.OK, 2L, NbdError.OK), answered);
            client.read(3, 4096, data.length);
            assertEquals(ByteBuffer.wrap(data), client.reply(data.length).data());
        }
    }

    @Test
    void repliesComeInTheOrderOfCompletion() throws IOException {
        try (NbdTestClient client = start()) {
            device.hold();
            for (long cookie = 1; cookie <= 3; cookie++) {
                client.read(cookie, 0, 16);
            }
            device.awaitSubmitted(3);
            device.release(2);
            assertEquals(3, client.reply(16).cookie());
            device.release(0);
            assertEquals(1, client.reply(16).cookie());
            device.release(0);
            assertEquals(2, client.reply(16).cookie());
        }
    }

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
    void aPeerThatVanishesLeavesNothingBehind() throws IOException {
        NbdTestClient client = start();
        device.hold();
        for (long cookie = 0; cookie < 50; cookie++) {
            client.write(cookie, 0, new byte[4096]);
            client.read(cookie, 0, 65536);
        }
        client.send(NbdTestClient.header(NbdCommand.WRITE, 0, 1, 0, 4096).flip());
        device.awaitSubmitted(100);
        client.close();
        device.releaseAll();
        device.awaitClosed();
        assertEquals(1, device.closed(), "the device is closed once");
        assertEquals(100, device.submitted(), "the write without its payload was never started");
    }

    /** T51a (c): else a client that sends its writes again elsewhere could find them undone by the first ones. */
    @Test
    void whatAPausedClientSentIsDroppedWhenItGoesAway() throws Exception {
        ConnectionLimits oneAtATime = new ConnectionLimits(1, 4 << 20, 1 << 20, 60_000);
        try (NbdTestClient client = start(oneAtATime, BUFFER_BYTES)) {
            device.hold();
            for (int i = 0; i < 3; i++) {
                client.write(i, 512L * i, random(Seeds.random(i), 512));
            }
            device.awaitSubmitted(1);
        }
        // The loop learns of the end before it learns of the completion.
        loops.loop(0)
                .eventLoop()
                .schedule(device::releaseAll, 200, TimeUnit.MILLISECONDS)
                .get();
        device.awaitClosed();
        try (NbdTestClient other = new NbdTestClient(socket, EXPORT)) {
            other.read(9, 512, 1024);
            assertEquals(ByteBuffer.allocate(1024), other.reply(1024).data());
        }
    }

    @Test
    void disconnectFinishesWhatIsInFlight() throws IOException {
        try (NbdTestClient client = start()) {
            device.hold();
            client.write(1, 0, new byte[] {42});
            client.read(2, 100, 10);
            client.disconnect();
            client.read(3, 0, 10);
            device.awaitSubmitted(2);
            device.release(0);
            assertEquals(1, acknowledged(client).cookie());
            device.release(0);
            assertEquals(2, client.reply(10).cookie());
            assertTrue(client.atEnd());
            device.awaitClosed();
            assertEquals(2, device.submitted(), "nothing after DISC is executed");
        }
    }

    @Test
    void aHalfClosedPeerStillGetsItsReplies() throws IOException {
        start().close();
        device.awaitClosed();
        halfClose(UnixDomainSocketAddress.of(socket));
        ListenAddress.Tcp tcp = (ListenAddress.Tcp) server.listen(ListenAddress.parse("tcp:127.0.0.1:0"));
        halfClose(tcp.address());
    }

    private void halfClose(SocketAddress address) throws IOException {
        try (NbdTestClient client = new NbdTestClient(address, EXPORT)) {
            device.hold();
            client.read(1, 0, 10);
            device.awaitSubmitted(1);
            client.shutdownOutput();
            device.releaseAll();
            assertEquals(1, client.reply(10).cookie());
            assertTrue(client.atEnd());
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

    @Test
    void anErrorIsAnsweredAndTheConnectionStays() throws IOException {
        try (NbdTestClient client = start()) {
            device.failWith(Errno.EDQUOT);
            client.write(1, 0, new byte[10]);
            assertEquals(new Acknowledged(1, NbdError.ENOSPC), acknowledged(client));
            device.failWith(Errno.EIO);
            client.read(2, 0, 10);
            assertEquals(new Acknowledged(2, NbdError.EIO), acknowledged(client));
            client.read(3, DISK_BYTES, 1);
            assertEquals(new Acknowledged(3, NbdError.EINVAL), acknowledged(client));
            device.failWith(Errno.OK);
            client.request(NbdCommand.FLUSH, 0, 4, 0, 0);
            assertEquals(new Acknowledged(4, NbdError.OK), acknowledged(client));
            ConnectionCounters totals = server.connections().totals();
            assertEquals(3, totals.errors());
            assertEquals(1, totals.requests(BlockOperation.FLUSH));
        }
    }

    @Test
    void emptyCommandsSucceedAndOnlyFuaReachesTheDevice() throws IOException {
        try (NbdTestClient client = start()) {
            client.read(1, DISK_BYTES, 0);
            client.request(NbdCommand.WRITE, 0, 2, 0, 0);
            client.request(NbdCommand.TRIM, 0, 3, 0, 0);
            for (long cookie = 1; cookie <= 3; cookie++) {
                assertEquals(new Acknowledged(cookie, NbdError.OK), acknowledged(client));
            }
            assertEquals(0, device.submitted());
            client.request(NbdCommand.WRITE, NbdFlags.CMD_FUA, 4, 0, 0);
            assertEquals(new Acknowledged(4, NbdError.OK), acknowledged(client));
            assertEquals(1, server.connections().totals().requests(BlockOperation.FLUSH));
        }
    }

    /** T15: whatever the command makes of the offset, and whether it succeeds or not. */
    @Test
    void extendedRepliesEchoWhatWasSent() throws IOException {
        start().close();
        try (NbdTestClient client = NbdTestClient.extended(socket, EXPORT)) {
            int[] commands = {
                NbdCommand.FLUSH, NbdCommand.WRITE, NbdCommand.TRIM, NbdCommand.WRITE_ZEROES, NbdCommand.READ
            };
            long cookie = -3;
            for (int errno : new int[] {Errno.OK, Errno.EIO}) {
                device.failWith(errno);
                for (int command : commands) {
                    int length = command == NbdCommand.TRIM || command == NbdCommand.WRITE_ZEROES ? 4096 : 0;
                    int flags = NbdFlags.CMD_FUA | (command == NbdCommand.WRITE ? NbdFlags.CMD_PAYLOAD_LEN : 0);
                    client.extendedRequest(command, command == NbdCommand.FLUSH ? 0 : flags, ++cookie, 8192, length);
                    NbdTestClient.Echo echo = client.echo();
                    assertEquals(cookie, echo.cookie(), "command " + command);
                    assertEquals(8192, echo.offset(), "command " + command);
                }
            }
        }
    }

    @Test
    void trimAndZeroesReachTheDevice() throws IOException {
        try (NbdTestClient client = start()) {
            client.write(1, 0, new byte[] {1, 2, 3, 4});
            assertEquals(NbdError.OK, acknowledged(client).error());
            client.request(NbdCommand.TRIM, 0, 2, 0, 1);
            assertEquals(NbdError.OK, acknowledged(client).error());
            client.request(NbdCommand.WRITE_ZEROES, NbdFlags.CMD_NO_HOLE, 3, 2, 1);
            assertEquals(NbdError.OK, acknowledged(client).error());
            client.read(4, 0, 4);
            assertEquals(
                    ByteBuffer.wrap(new byte[] {0, 2, 0, 4}), client.reply(4).data());
        }
    }

    @Test
    void aStopLetsRequestsEndAndRefusesNewOnes() throws IOException {
        ConnectionLimits one = new ConnectionLimits(1, 64 << 20, 32 << 20, 60_000);
        try (NbdTestClient client = start(one, BUFFER_BYTES)) {
            device.hold();
            client.read(1, 0, 10);
            client.read(2, 0, 10);
            device.awaitSubmitted(1);
            Thread stopper = Thread.ofPlatform().start(() -> server.stop(10_000));
            NbdTestClient.Reply refused = client.reply(0);
            assertEquals(2, refused.cookie());
            assertEquals(NbdError.ESHUTDOWN, refused.error());
            device.releaseAll();
            assertEquals(1, client.reply(10).cookie());
            assertTrue(client.atEnd());
            join(stopper);
            assertThrows(IOException.class, () -> new NbdTestClient(socket, EXPORT));
        }
    }

    @Test
    void somethingThatIsNotNbdIsDropped() throws IOException {
        try (NbdTestClient client = start()) {
            client.send(ByteBuffer.allocate(28));
            assertThrows(EOFException.class, () -> client.reply(0));
            device.awaitClosed();
        }
    }

    @Test
    void aStaleSocketIsReplacedAndALiveOneRefused() throws IOException {
        Path stale = directory.resolve("stale.sock");
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(stale));
        }
        assertTrue(Files.exists(stale));
        try (NbdTestClient client = start()) {
            server.listen(new ListenAddress.Unix(stale));
            assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(stale)));
            assertThrows(StorageException.class, () -> server.listen(new ListenAddress.Unix(socket)));
            Path file = Files.writeString(directory.resolve("file"), "precious");
            assertThrows(StorageException.class, () -> server.listen(new ListenAddress.Unix(file)));
            assertEquals("precious", Files.readString(file));
            client.disconnect();
        }
    }

    /** Whoever has replaced our file by its own keeps it when we stop. */
    @Test
    void onlyOurOwnSocketIsRemoved() throws IOException {
        start().close();
        Files.delete(socket);
        try (ServerSocketChannel another = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            another.bind(UnixDomainSocketAddress.of(socket));
            server.stop(10_000);
            assertTrue(Files.exists(socket), "another's socket was removed");
            Files.delete(socket);
        }
    }

    /** Only a refused connection says that nobody is there: this one is full, and served all the same. */
    @Test
    void aServerThatIsBusyIsNoStaleSocket() throws IOException {
        start().close();
        Path busy = directory.resolve("busy.sock");
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(busy);
        try (ServerSocketChannel another = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            another.bind(address, 1);
            List<SocketChannel> waiting = new ArrayList<>();
            boolean full = false;
            while (!full) {
                SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
                client.configureBlocking(false);
                waiting.add(client);
                try {
                    client.connect(address);
                } catch (IOException backlogFull) {
                    full = true;
                }
            }
            StorageException refusal = assertThrows(StorageException.class, () -> SocketFile.makeWay(busy));
            assertTrue(refusal.getMessage().contains("busy.sock may be in use"), refusal.getMessage());
            assertTrue(Files.exists(busy));
            for (SocketChannel client : waiting) {
                client.close();
            }
        }
    }

    @Test
    void portZeroIsReportedAsARealOne() throws IOException {
        try (NbdTestClient client = start()) {
            ListenAddress actual = server.listen(ListenAddress.parse("tcp:127.0.0.1:0"));
            assertFalse(actual.toString().endsWith(":0"), actual.toString());
            assertEquals(List.of("unix"), server.connections().peersOf(EXPORT));
            client.disconnect();
        }
    }

    /** A reply without data. */
    private record Acknowledged(long cookie, int error) {}

    private static Acknowledged acknowledged(NbdTestClient client) throws IOException {
        NbdTestClient.Reply reply = client.reply(0);
        return new Acknowledged(reply.cookie(), reply.error());
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

    private static byte[] random(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}

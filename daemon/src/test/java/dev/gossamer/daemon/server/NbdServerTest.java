package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.connection.ConnectionCounters;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.connection.NbdOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections over real sockets, in front of a device that the test controls. */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class NbdServerTest extends ServerFixture {
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
            assertEquals(1, totals.requests(NbdOperation.FLUSH));
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
            assertEquals(1, server.connections().totals().requests(NbdOperation.FLUSH));
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

    /** In a container each daemon has the number of the one that died before it. */
    @Test
    void aSocketThatNeverCameToItsPathIsReplacedToo() throws IOException {
        Path born = SocketFile.birthPlace(directory.resolve("nbd.sock"));
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(born));
        }
        start().close();
        assertFalse(Files.exists(born));
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

    private static byte[] random(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}

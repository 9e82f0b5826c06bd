package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A72 through a whole device: opening fails with one line, a request with EIO, and neither hangs. */
@Timeout(60)
class HostileRemoteTest {
    private static final RemoteSettings TWO_ATTEMPTS =
            new RemoteSettings(20_000, 20_000, 10, 50, 1_000, 128, 32 << 20, 64 << 20, 2);
    private static final int SIZE_BYTES = 1 << 20;
    private static final int DONE = 1;

    /** Answers a request of 8192 bytes. */
    interface Answer {
        ByteBuffer to(long cookie, long offsetBytes);
    }

    @TempDir
    private Path directory;

    private ServerSocketChannel listener;
    private long exportSize = SIZE_BYTES;

    private String serve(byte[] greeting, Answer answer) throws IOException {
        Path socket = directory.resolve("hostile.sock");
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    SocketChannel connection = listener.accept();
                    Thread.ofVirtual().start(() -> talk(connection, greeting, answer));
                }
            } catch (IOException e) {
                return; // closed
            }
        });
        return "nbd+unix:///?socket=" + socket;
    }

    private void talk(SocketChannel connection, byte[] greeting, Answer answer) {
        try (connection;
                DataInputStream in = new DataInputStream(Channels.newInputStream(connection));
                DataOutputStream out = new DataOutputStream(Channels.newOutputStream(connection))) {
            out.write(greeting);
            if (answer == null) {
                return;
            }
            in.readInt();
            int option;
            do {
                in.readLong();
                option = in.readInt();
                in.skipNBytes(in.readInt());
                ByteBuffer reply = ByteBuffer.allocate(64);
                if (option == NbdOption.GO) {
                    header(reply, option, NbdReply.INFO, 12);
                    reply.putShort((short) 0).putLong(exportSize).putShort((short) NbdFlags.HAS_FLAGS);
                }
                header(reply, option, option == NbdOption.EXTENDED_HEADERS ? NbdReply.ERR_UNSUP : NbdReply.ACK, 0);
                out.write(bytes(reply), 0, reply.position());
            } while (option != NbdOption.GO);
            while (true) {
                in.readLong();
                long cookie = in.readLong();
                long offset = in.readLong();
                in.readInt();
                out.write(bytes(answer.to(cookie, offset)));
            }
        } catch (IOException e) {
            return; // the client has had enough
        }
    }

    private static void header(ByteBuffer out, int option, int type, int length) {
        out.putLong(NbdMagic.OPTION_REPLY).putInt(option).putInt(type).putInt(length);
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.capacity()];
        buffer.get(0, bytes);
        return bytes;
    }

    private static byte[] greeting() {
        return bytes(ByteBuffer.allocate(18)
                .putLong(NbdMagic.GREETING)
                .putLong(NbdMagic.OPTION)
                .putShort((short) 3));
    }

    private static ByteBuffer chunk(int type, int flags, long cookie, long length, int bytes) {
        return ByteBuffer.allocate(20 + bytes)
                .putInt(NbdMagic.REPLY_CHUNK)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(cookie)
                .putInt((int) length);
    }

    @AfterEach
    void stop() throws IOException {
        if (listener != null) {
            listener.close();
        }
    }

    private void assertRefused(String uri, String why) throws Exception {
        try (RemoteRig rig = new RemoteRig()) {
            StorageException refusal = assertThrows(StorageException.class, () -> rig.open(uri, TWO_ATTEMPTS));
            assertTrue(refusal.getMessage().contains(why), refusal.getMessage());
            assertTrue(refusal.getMessage().startsWith(uri), refusal.getMessage());
            assertFalse(refusal.getMessage().contains("\n"), refusal.getMessage());
        }
    }

    @Test
    void aStrangerIsRefused() throws Exception {
        assertRefused(
                serve("SSH-2.0-Server 99 or so\r\n".getBytes(StandardCharsets.US_ASCII), null), "not an NBD server");
    }

    @Test
    void aShortGreetingIsRefused() throws Exception {
        byte[] half = new byte[9];
        System.arraycopy(greeting(), 0, half, 0, half.length);
        assertRefused(serve(half, null), "server closed the connection during the handshake");
    }

    @Test
    void anExportOfTwoToThe63BytesIsRefused() throws Exception {
        exportSize = Long.MIN_VALUE;
        assertRefused(serve(greeting(), (cookie, offset) -> ByteBuffer.allocate(0)), "export size is over 2^63 bytes");
    }

    @Test
    void aServerThatSaysNothingIsGivenUp() throws Exception {
        Path socket = directory.resolve("hostile.sock");
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket)); // the system accepts, nobody speaks
        assertRefused("nbd+unix:///?socket=" + socket, "server did not finish the handshake in time");
    }

    @Test
    void nobodyThereIsSaidSo() throws Exception {
        assertRefused("nbd+unix:///?socket=" + directory.resolve("none.sock"), "cannot connect");
        assertRefused("nbd://127.0.0.1:1/x", "cannot connect");
    }

    static Stream<Arguments> answers() {
        return Stream.of(
                Arguments.of("wrong magic", (Answer) (cookie, offset) -> ByteBuffer.allocate(20)),
                Arguments.of("unknown cookie", (Answer)
                        (cookie, offset) -> chunk(NbdReply.CHUNK_NONE, DONE, cookie + 99, 0, 0)),
                Arguments.of("missing bytes", (Answer)
                        (cookie, offset) -> chunk(NbdReply.CHUNK_OFFSET_DATA, DONE, cookie, 8 + 4096, 8 + 4096)
                                .putLong(offset)),
                Arguments.of("overlapping chunks", (Answer) (cookie, offset) -> {
                    ByteBuffer first = chunk(NbdReply.CHUNK_OFFSET_HOLE, 0, cookie, 12, 12)
                            .putLong(offset)
                            .putInt(8192);
                    return ByteBuffer.allocate(2 * first.capacity())
                            .put(bytes(first))
                            .put(bytes(first));
                }),
                Arguments.of("chunk of 4 GiB", (Answer)
                        (cookie, offset) -> chunk(NbdReply.CHUNK_OFFSET_DATA, DONE, cookie, 0xffff_ffffL, 8)
                                .putLong(offset)),
                Arguments.of("piece outside", (Answer)
                        (cookie, offset) -> chunk(NbdReply.CHUNK_OFFSET_HOLE, DONE, cookie, 12, 12)
                                .putLong(offset + 4096)
                                .putInt(8192)),
                Arguments.of("simple reply", (Answer) (cookie, offset) -> ByteBuffer.allocate(16)
                        .putInt(NbdMagic.SIMPLE_REPLY)
                        .putInt(0)
                        .putLong(cookie)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("answers")
    void aLyingAnswerEndsWithEio(String name, Answer answer) throws Exception {
        exportSize = SIZE_BYTES;
        String uri = serve(greeting(), answer);
        try (RemoteRig rig = new RemoteRig()) {
            NbdClientDevice device = NbdClientDevice.open(NbdUri.parse(uri), true, rig.loops(), TWO_ATTEMPTS);
            TestIo io = rig.io(device, 1);
            long begin = System.nanoTime();
            assertEquals(Errno.EIO, io.run(Io.read(8192, 8192)), name);
            long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
            assertTrue(took < TWO_ATTEMPTS.patienceMillis(), "noticed, not waited for");
            device.close();
        }
    }
}

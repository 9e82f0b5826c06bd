package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.posix.Admission;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Servers that do not even refuse a connection, or let everybody in and throw him out: how often they are asked. */
@Timeout(120)
class DarkServerTest {
    private static RemoteSettings settings(long handshakeMillis) {
        return new RemoteSettings(60_000, 60_000, 20, 100, handshakeMillis, 128, 32 << 20, 64 << 20, 100);
    }

    private final ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    private final List<Socket> filling = new ArrayList<>();

    DarkServerTest() throws IOException {}

    @AfterEach
    void close() throws IOException {
        for (Socket socket : filling) {
            socket.close();
        }
        server.close();
    }

    private NbdUri uri() throws Exception {
        return NbdUri.parse("nbd://127.0.0.1:" + server.getLocalPort() + "/x");
    }

    /** A listener whose queue is full answers no SYN. */
    private void becomeDark() throws IOException {
        while (true) {
            Socket socket = new Socket();
            filling.add(socket);
            try {
                socket.connect(server.getLocalSocketAddress(), 300);
            } catch (SocketTimeoutException dark) {
                return;
            }
            assertTrue(filling.size() < 20, "the queue of a listener has no end");
        }
    }

    private long connecting() throws IOException {
        String to = String.format(":%04X", server.getLocalPort());
        try (Stream<String> tcp = Files.lines(Path.of("/proc/net/tcp"));
                Stream<String> tcp6 = Files.lines(Path.of("/proc/net/tcp6"))) {
            return Stream.concat(tcp, tcp6)
                    .map(line -> line.trim().split("\\s+"))
                    .filter(words -> words[2].endsWith(to) && words[3].equals("02"))
                    .count();
        }
    }

    /** The handshake's clock closes the channel, and its connection fails then: one end, not two. */
    @ParameterizedTest
    @EnumSource(names = {"AUTO", "THREADS"})
    void oneAttemptIsToldOnce(IoEngineChoice engine) throws Exception {
        becomeDark();
        List<String> told = new CopyOnWriteArrayList<>();
        try (IoLoops loops = IoLoops.start(1, engine, 1 << 20)) {
            RemoteConnector connector =
                    new RemoteConnector(RemoteAddress.of(uri(), loops, Admission.ALL), "", null, 300);
            loops.loop(0)
                    .execute(() -> connector.connect(loops.loop(0), new RemoteConnector.Outcome() {
                        @Override
                        public void connected(RemoteConnection connection) {
                            told.add("connected");
                        }

                        @Override
                        public void failed(String why) {
                            told.add(why);
                        }
                    }));
            Thread.sleep(1_500);
        }
        assertEquals(1, told.size(), told::toString);
    }

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "THREADS"})
    void attemptsDoNotMultiply(IoEngineChoice engine) throws Exception {
        long most = 0;
        try (IoLoops loops = IoLoops.start(1, engine, 32 << 20)) {
            CompletableFuture<Socket> serving = CompletableFuture.supplyAsync(this::serve);
            NbdClientDevice device = NbdClientDevice.open(uri(), false, loops, settings(1_000));
            Socket client = serving.get();
            becomeDark();
            client.close();
            for (int i = 0; i < 50; i++) {
                Thread.sleep(100);
                most = Math.max(most, connecting());
            }
            device.close();
        }
        assertEquals(1, most, "attempts at a time");
    }

    @Test
    void whoIsThrownOutAtOnceWaitsBeforeHeComesAgain() throws Exception {
        AtomicInteger accepted = new AtomicInteger();
        Thread thrower = Thread.ofPlatform().start(() -> {
            try {
                while (true) {
                    Socket socket = serve();
                    accepted.incrementAndGet();
                    socket.close();
                }
            } catch (IOException | UncheckedIOException closed) {
                return;
            }
        });
        try (IoLoops loops = IoLoops.start(1, IoEngineChoice.THREADS, 32 << 20)) {
            NbdClientDevice device = NbdClientDevice.open(uri(), false, loops, settings(10_000));
            Thread.sleep(2_000);
            device.close();
        }
        server.close();
        thrower.join();
        assertTrue(accepted.get() <= 30, "each tenth of a second in the end: " + accepted);
    }

    /** Offers an export of a MiB, to one. */
    private Socket serve() {
        try {
            Socket socket = server.accept();
            DataInputStream in = new DataInputStream(socket.getInputStream());
            DataOutputStream out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
            out.writeLong(NbdMagic.GREETING);
            out.writeLong(NbdMagic.OPTION);
            out.writeShort(3);
            out.flush();
            in.readInt();
            while (true) {
                in.readLong();
                int option = in.readInt();
                in.readFully(new byte[in.readInt()]);
                if (option == NbdOption.GO) {
                    reply(out, option, NbdReply.INFO, 12);
                    out.writeShort(0);
                    out.writeLong(1 << 20);
                    out.writeShort(1 | 4 | 8);
                    reply(out, option, NbdReply.ACK, 0);
                    out.flush();
                    return socket;
                }
                reply(out, option, NbdReply.ERR_UNSUP, 0);
                out.flush();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void reply(DataOutputStream out, int option, int type, int lengthBytes) throws IOException {
        out.writeLong(NbdMagic.OPTION_REPLY);
        out.writeInt(option);
        out.writeInt(type);
        out.writeInt(lengthBytes);
    }
}

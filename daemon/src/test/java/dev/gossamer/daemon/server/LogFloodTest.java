package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.RecordedLog;
import dev.gossamer.daemon.server.access.TestCertificate;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.connection.StallTimer;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.handshake.TlsOffer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What strangers and clients do as often as they like leaves its line, and not as many lines as they like. */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class LogFloodTest {
    private static final int FLOOD = 54;
    private static final int LIMIT = 50;

    @Parameter
    private IoEngineChoice engine;

    @TempDir
    private Path directory;

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private ServedExports served;
    private Path socket;
    private InetSocketAddress tcp;

    @BeforeEach
    void serve() throws Exception {
        TestCertificate.in(directory);
        IoLoops loops = IoLoops.start(1, engine, 16 << 20);
        ClientLog log = RecordedLog.into(lines);
        NbdServer server = new NbdServer(
                loops,
                new OneExport(new MemoryDevice(1 << 20), 1 << 20),
                ConnectionLimits.DEFAULT,
                new TlsSettings(TlsOffer.Mode.OPTIONAL, directory, false),
                StallTimer.newTimer(),
                log);
        served = new ServedExports(loops, server, directory);
        socket = served.socket();
        tcp = served.listenTcp();
    }

    @AfterEach
    void close() {
        served.close();
    }

    private String tail() {
        return lines.size() + " lines, the last: " + lines.subList(Math.max(0, lines.size() - 5), lines.size());
    }

    private void checkFlood(String kind) {
        served.server().stop(10_000);
        List<String> ofKind =
                lines.stream().filter(line -> line.contains(" " + kind)).toList();
        assertEquals(LIMIT, ofKind.size(), this::tail);
        String told = "INFO lines left out kind=\"" + kind + "\" leftOut=" + (FLOOD - LIMIT);
        assertEquals(1, lines.stream().filter(told::equals).count(), this::tail);
    }

    /** It ends, one way or the other. */
    private static void awaitEnd(Socket socket) {
        try {
            socket.getInputStream().readAllBytes();
        } catch (IOException reset) {
            assertFalse(reset instanceof SocketTimeoutException, "still open");
        }
    }

    @Test
    void clientsThatComeAndGo() throws IOException {
        for (int i = 0; i < FLOOD; i++) {
            try (NbdTestClient client = new NbdTestClient(socket, OneExport.NAME)) {
                client.read(i, 0, 4096);
                client.reply(4096);
            }
        }
        checkFlood("export opened");
        String told = "INFO lines left out kind=\"export closed\" leftOut=" + (FLOOD - LIMIT);
        assertTrue(lines.contains(told), this::tail);
    }

    @Test
    void clientsThatBreakTheProtocol() throws IOException {
        for (int i = 0; i < FLOOD; i++) {
            try (NbdTestClient client = new NbdTestClient(socket, OneExport.NAME)) {
                client.send(
                        ByteBuffer.wrap("GET / HTTP/1.1\r\nHost: forged line\r\n".getBytes(StandardCharsets.UTF_8)));
                assertThrows(IOException.class, () -> client.reply(0));
            }
        }
        checkFlood("connection dropped");
    }

    @Test
    void strangersThatSpeakNoTls() throws IOException {
        for (int i = 0; i < FLOOD; i++) {
            try (Socket stranger = TlsTestClient.startTls(tcp)) {
                stranger.getOutputStream().write("INFO forged\n".repeat(1000).getBytes(StandardCharsets.UTF_8));
                awaitEnd(stranger);
            }
        }
        checkFlood("refused tls");
        assertTrue(lines.getFirst().startsWith("INFO refused tls peer=127.0.0.1:"), lines::getFirst);
        assertTrue(lines.stream().allMatch(line -> line.length() < 700), this::tail);
    }

    /** A line with a stack trace each, before. */
    @Test
    void clientsThatEndTlsWithGarbage() throws Exception {
        for (int i = 0; i < FLOOD; i++) {
            try (TlsTestClient client = new TlsTestClient(tcp, directory.resolve("ca-cert.pem"), OneExport.NAME)) {
                client.endWith("INFO forged\n".getBytes(StandardCharsets.UTF_8));
            }
        }
        checkFlood("refused tls");
        assertTrue(lines.stream().noneMatch(line -> line.contains("connection failed")), this::tail);
    }
}

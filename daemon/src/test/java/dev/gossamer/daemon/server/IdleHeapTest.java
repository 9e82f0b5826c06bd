package dev.gossamer.daemon.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.ClientPolicy;
import dev.gossamer.daemon.server.access.MemoryBudget;
import dev.gossamer.daemon.server.access.ServerLimits;
import dev.gossamer.daemon.server.access.TestCertificate;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.handshake.TlsOffer;
import io.netty.util.ResourceLeakDetector;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an idle connection is counted with is what it takes of the heap, in each stage, encrypted or not. */
@Timeout(120)
class IdleHeapTest {
    private static final int CONNECTIONS = 60;

    /** As many as come, for as long as it takes. */
    private static final ClientPolicy PATIENT =
            ClientPolicy.DEFAULT.withLimits(new ServerLimits(1000, 1000, 1000, 1000, 100));

    /** Other things come and go, among them what the first connection has made for all. */
    private static final long SHARED_BYTES = 256 << 10;

    @TempDir
    private Path directory;

    /** What is used for good: what is only waiting to be thrown away goes in a few turns. */
    private static long usedBytes() throws InterruptedException {
        long least = Long.MAX_VALUE;
        for (int turn = 0; turn < 10; turn++) {
            System.gc();
            least = Math.min(
                    least,
                    ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
            TimeUnit.MILLISECONDS.sleep(50);
        }
        return least;
    }

    private Process connect(IdleClients.Stage stage, int count, int port) throws Exception {
        Process clients = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        IdleClients.class.getName(),
                        stage.name(),
                        Integer.toString(count),
                        Integer.toString(port),
                        directory.resolve("ca-cert.pem").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertEquals(count + " connected", clients.inputReader(UTF_8).readLine());
        return clients;
    }

    private static void end(Process clients) throws Exception {
        clients.getOutputStream().close();
        assertEquals(0, clients.waitFor());
    }

    @ParameterizedTest
    @CsvSource({
        "AUTO, HANDSHAKE",
        "AUTO, TLS_HANDSHAKE",
        "AUTO, TRANSMISSION",
        "AUTO, TLS_TRANSMISSION",
        "THREADS, TRANSMISSION"
    })
    void anIdleConnectionTakesNoMoreHeapThanItIsCountedWith(IoEngineChoice engine, IdleClients.Stage stage)
            throws Exception {
        // A test's search for leaks keeps a stack trace for each buffer, a server has none.
        ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        try {
            check(engine, stage);
        } finally {
            ResourceLeakDetector.setLevel(level);
        }
    }

    private void check(IoEngineChoice engine, IdleClients.Stage stage) throws Exception {
        TestCertificate.in(directory);
        IoLoops loops = IoLoops.start(1, engine, 16 << 20);
        NbdServer server = new NbdServer(
                loops,
                new OneExport(new MemoryDevice(1 << 20), 1 << 20),
                ConnectionLimits.DEFAULT,
                new TlsSettings(TlsOffer.Mode.OPTIONAL, directory, false));
        server.prepare(PATIENT).run();
        try {
            ListenAddress.Tcp address = (ListenAddress.Tcp)
                    server.listen(new ListenAddress.Tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
            int port = address.address().getPort();
            end(connect(stage, 20, port));
            long before = usedBytes();
            Process clients = connect(stage, CONNECTIONS, port);
            long grown = usedBytes() - before;
            assertTrue(server.admissions().handshakes() + server.connections().size() >= CONNECTIONS, "all are there");
            end(clients);
            System.out.printf("%s %s: %d bytes of heap each%n", engine, stage, grown / CONNECTIONS);
            long counted = CONNECTIONS * MemoryBudget.HEAP_BYTES + SHARED_BYTES;
            assertTrue(grown <= counted, CONNECTIONS + " connections take " + grown + " bytes, counted " + counted);
        } finally {
            server.stop(10_000);
            loops.close();
        }
    }
}

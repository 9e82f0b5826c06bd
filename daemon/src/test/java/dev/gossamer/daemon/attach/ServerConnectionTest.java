package dev.gossamer.daemon.attach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.nbd.client.NbdUri;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is negotiated before the kernel gets a connection, with our server and with nonsense. */
@Timeout(60)
class ServerConnectionTest {
    @TempDir
    private Path directory;

    private PoolDirectory pool;
    private Daemon daemon;

    @BeforeEach
    void serve() throws IOException {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        daemon = Daemon.start(new DaemonConfig(
                pool,
                PoolConfig.read(pool.config()),
                List.of(ListenAddress.parse("tcp:0")),
                IoEngineChoice.THREADS,
                1,
                TlsSettings.OFF));
        AdminClient admin = new AdminClient(pool.adminSocket());
        assertEquals(
                201,
                admin.send("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}").status());
        assertEquals(
                201,
                admin.send("POST", "/v1/volumes/web/snapshots", "{\"name\":\"old\",\"readOnly\":true}")
                        .status());
    }

    @AfterEach
    void stop() throws StorageException {
        daemon.stop();
    }

    private NbdUri unix(String export) {
        return NbdUri.parse("nbd+unix:///" + export + "?socket=" + pool.nbdSocket());
    }

    @Test
    void bothKindsOfSocketAreNegotiated() throws StorageException {
        String tcp = daemon.addresses().getLast().uri(false) + "web";
        for (NbdUri uri : List.of(unix("web"), NbdUri.parse(tcp))) {
            try (ServerConnection connection = ServerConnection.open(uri)) {
                assertEquals(1 << 20, connection.sizeBytes());
                assertFalse(connection.isReadOnly());
            }
        }
        try (ServerConnection connection = ServerConnection.open(unix("old"))) {
            assertTrue(connection.isReadOnly());
        }
    }

    @Test
    void whatIsNotThereIsSaidInOneLine() {
        StorageException none = assertThrows(StorageException.class, () -> ServerConnection.open(unix("none")));
        assertEquals(Errno.ENOENT, none.errno());
        assertTrue(none.getMessage().endsWith("there is no such export"), none.getMessage());
        NbdUri nobody = NbdUri.parse("nbd+unix:///x?socket=" + directory.resolve("nobody.sock"));
        StorageException gone = assertThrows(StorageException.class, () -> ServerConnection.open(nobody));
        assertTrue(gone.getMessage().contains("cannot connect: No such file"), gone.getMessage());
    }

    @Test
    void whoeverIsNoServerIsNotBelieved() throws Exception {
        byte[] greeting = new byte[18];
        System.arraycopy("NBDMAGICIHAVEOPT".getBytes(StandardCharsets.US_ASCII), 0, greeting, 0, 16);
        greeting[17] = 1;
        byte[] longReply = new byte[18 + 20];
        System.arraycopy(greeting, 0, longReply, 0, 18);
        longReply[18 + 16] = 0x7f; // two gigabytes follow
        for (byte[] answer : new byte[][] {new byte[18], new byte[3], greeting, longReply}) {
            try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                CompletableFuture<Void> done = CompletableFuture.runAsync(() -> answerOnce(server, answer));
                NbdUri uri = NbdUri.parse("nbd://127.0.0.1:" + server.getLocalPort() + "/x");
                StorageException refused = assertThrows(StorageException.class, () -> ServerConnection.open(uri));
                assertEquals(1, refused.getMessage().lines().count(), refused.getMessage());
                done.join();
            }
        }
    }

    private static void answerOnce(ServerSocket server, byte[] answer) {
        try (Socket client = server.accept()) {
            client.getOutputStream().write(answer);
            client.shutdownOutput();
            client.getInputStream().readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

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
import dev.gossamer.daemon.server.NbdTestClient;
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

    /** A mounted file system must not write into another volume that has got the name of its own. */
    @Test
    void aVolumeThatOnlyHasTheNameIsAnotherOne() throws Exception {
        Attachment attached;
        try (ServerConnection first = ServerConnection.open(unix("web"))) {
            assertEquals(36, first.identity().length(), first::toString);
            attached = new Attachment(0, unix("web").toString(), first.identity(), "", 30, 60, 0);
            OtherVolume.refuse(attached, first, false);
        }
        AdminClient admin = new AdminClient(pool.adminSocket());
        assertEquals(204, admin.send("DELETE", "/v1/volumes/web", "").status());
        assertEquals(
                201,
                admin.send("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}").status());
        try (ServerConnection second = ServerConnection.open(unix("web"))) {
            StorageException other = assertThrows(OtherVolume.class, () -> OtherVolume.refuse(attached, second, false));
            assertTrue(other.getMessage().contains("is another volume now (" + second.identity()), other.getMessage());
        }
        try (ServerConnection old = ServerConnection.open(unix("old"))) {
            Attachment writable = new Attachment(0, unix("old").toString(), old.identity(), "", 30, 60, 0);
            OtherVolume.refuse(writable, old, true);
            assertThrows(OtherVolume.class, () -> OtherVolume.refuse(writable, old, false));
        }
    }

    /** What keeps --mkfs from a volume that begins with zeros and holds something further on. */
    @Test
    void aVolumeIsEmptyWhenItHasNoBlock() throws Exception {
        assertEquals(Allocation.NOTHING, Allocation.firstData(unix("web"), 1 << 20));
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "web")) {
            client.write(1, 700_000, new byte[] {1});
            assertEquals(0, client.reply(0).error());
        }
        assertEquals(700_000 / 65536 * 65536, Allocation.firstData(unix("web"), 1 << 20));
        StorageException none = assertThrows(StorageException.class, () -> Allocation.firstData(unix("none"), 1));
        assertTrue(none.getMessage().endsWith("there is no such export"), none.getMessage());
    }

    /** Before the kernel is asked for anything. */
    @Test
    void whatCannotBeIsRefusedFirst() throws Exception {
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "web")) {
            client.write(1, 700_000, new byte[] {1});
            assertEquals(0, client.reply(0).error());
        }
        refused(Errno.EEXIST, "holds data at offset 655360", wish("web", "ext4", ""));
        refused(Errno.EROFS, "is read-only; leave --mkfs out", wish("old", "ext4", ""));
        refused(Errno.ENOENT, "no mkfs.fancyfs", wish("web", "fancyfs", ""));
        refused(
                Errno.ENOENT,
                "is no directory",
                wish("web", "", directory.resolve("nowhere").toString()));
        refused(Errno.ENOENT, "no such export", wish("none", "", ""));
    }

    private Attacher.Wish wish(String volume, String mkfs, String mount) {
        return new Attacher.Wish(unix(volume), -1, mkfs, mount, 30, 60);
    }

    private static void refused(int errno, String words, Attacher.Wish wish) {
        StorageException refused = assertThrows(StorageException.class, () -> Attacher.attach(wish));
        assertEquals(errno, refused.errno(), refused::getMessage);
        assertTrue(refused.getMessage().contains(words), refused.getMessage());
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

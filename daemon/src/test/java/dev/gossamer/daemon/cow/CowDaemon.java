package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.NbdTestClient;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.wire.NbdCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * A whole daemon in this process with one disk of random bytes to make an origin of, asked over the admin socket and
 * used over NBD.
 */
abstract class CowDaemon {
    static final int SIZE = 4 << 20;
    static final int PIECE = 64 << 10;

    @TempDir
    Path directory;

    PoolDirectory pool;
    private Daemon daemon;
    Path disk;
    byte[] old;

    @BeforeEach
    void serve() throws Exception {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 256 << 20, 64 << 10, true);
        old = new byte[SIZE];
        Seeds.random(7).nextBytes(old);
        disk = Files.write(directory.resolve("disk.img"), old);
        start();
    }

    @AfterEach
    void stop() throws StorageException {
        if (daemon != null) {
            daemon.stop();
            daemon = null;
        }
    }

    final void start() throws StorageException {
        daemon = Daemon.start(new DaemonConfig(
                pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.AUTO, 2, TlsSettings.OFF));
    }

    final void restart() throws StorageException {
        stop();
        start();
    }

    final Path zeros(String name, int sizeBytes) throws IOException {
        return Files.write(directory.resolve(name), new byte[sizeBytes]);
    }

    final JsonNode ask(int status, String method, String path, String body) throws IOException {
        AdminClient.Answer answer = new AdminClient(pool.adminSocket()).send(method, path, body);
        assertEquals(status, answer.status(), answer.body());
        return new JsonMapper().readTree(answer.body());
    }

    final JsonNode create(String fields) throws IOException {
        return ask(201, "POST", "/v1/cow", "{" + fields.replace('\'', '"') + "}");
    }

    final void refused(String fields, String reason) throws IOException {
        AdminClient.Answer answer =
                new AdminClient(pool.adminSocket()).send("POST", "/v1/cow", "{" + fields.replace('\'', '"') + "}");
        assertTrue(answer.status() >= 400 && answer.status() < 508, answer::toString);
        String error = new JsonMapper().readTree(answer.body()).path("error").asText();
        assertTrue(error.contains(reason), () -> "no '" + reason + "' in: " + error);
        assertEquals(1, error.lines().count(), error);
    }

    final void createDisk() throws IOException {
        create("'name':'disk','origin':'" + disk + "'");
    }

    /** The disk, and snapshot s of it in a file of its own: the file. */
    final Path createDiskWithSnapshot() throws IOException {
        Path store = zeros("store.img", SIZE * 2);
        createDisk();
        create("'name':'disk@s','store':'" + store + "'");
        return store;
    }

    /** Moves a file to where nobody looks for it. */
    final Path takeAway(Path file) throws IOException {
        return Files.move(file, directory.resolve("away.img"));
    }

    final String causeOfDisk() throws IOException {
        return ask(200, "GET", "/v1/cow/disk", "").path("cause").asText();
    }

    /** The server hears of a client's end a moment later; until then the export is in use. */
    final void awaitConnections(String export, long count) throws IOException {
        while (connectionsTo(export) > count) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    private long connectionsTo(String export) throws IOException {
        long count = 0;
        for (JsonNode connection : ask(200, "GET", "/v1/connections", "")) {
            count += connection.path("export").asText().equals(export) ? 1 : 0;
        }
        return count;
    }

    /** Reads from the first byte on, by a client that has gone when this returns. */
    final byte[] read(String export, int sizeBytes) throws IOException {
        long others = connectionsTo(export);
        byte[] all = new byte[sizeBytes];
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), export)) {
            for (int at = 0; at < sizeBytes; at += PIECE) {
                client.read(1, at, PIECE);
                NbdTestClient.Reply reply = client.reply(PIECE);
                assertEquals(0, reply.error());
                reply.data().get(all, at, PIECE);
            }
        }
        awaitConnections(export, others);
        return all;
    }

    /** Writes the same byte to a range and flushes, by a client that has gone when this returns. */
    final void fill(String export, int offset, int length, int value) throws IOException {
        long others = connectionsTo(export);
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), export)) {
            byte[] data = new byte[PIECE];
            Arrays.fill(data, (byte) value);
            for (int at = offset; at < offset + length; at += PIECE) {
                client.write(1, at, data);
                assertEquals(0, client.reply(0).error());
            }
            client.request(NbdCommand.FLUSH, 0, 2, 0, 0);
            assertEquals(0, client.reply(0).error());
        }
        awaitConnections(export, others);
    }

    final byte[] filled(int offset, int length, int value) {
        byte[] expected = old.clone();
        Arrays.fill(expected, offset, offset + length, (byte) value);
        return expected;
    }

    final void awaitGone(String export) throws IOException, InterruptedException {
        String path = "/v1/cow/" + export;
        AdminClient admin = new AdminClient(pool.adminSocket());
        while (admin.send("GET", path, "").status() == 200) {
            Thread.sleep(20);
        }
    }
}

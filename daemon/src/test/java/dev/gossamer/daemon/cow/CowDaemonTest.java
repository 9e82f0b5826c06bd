package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.daemon.server.NbdTestClient;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixDevice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A whole daemon in this process: its origins and classic snapshots, asked over the admin socket and used over NBD. */
@Timeout(120)
class CowDaemonTest extends CowDaemon {
    /** Rules S-O1 and S-L2, and the default store: a volume of the pool that is no export. */
    @Test
    void aSnapshotKeepsTheOldContentsAcrossARestart() throws Exception {
        createDisk();
        JsonNode made = create("'name':'disk@monday'");
        assertEquals("cow.disk@monday", made.path("storeVolume").asText());
        assertEquals(16 << 10, made.path("chunkBytes").asInt());
        fill("disk", 1 << 20, 1 << 19, 'n');
        fill("disk@monday", 0, PIECE, 's');
        for (int i = 0; i < 2; i++) {
            assertArrayEquals(filled(1 << 20, 1 << 19, 'n'), read("disk", SIZE));
            assertArrayEquals(filled(0, PIECE, 's'), read("disk@monday", SIZE));
            JsonNode snapshot =
                    ask(200, "GET", "/v1/cow", "").path(0).path("snapshots").path(0);
            assertEquals("active", snapshot.path("state").asText());
            assertEquals(
                    (SIZE / 8 + PIECE) / (16 << 10), snapshot.path("chunks").asInt());
            assertTrue(snapshot.path("kernelStatus").asText().matches("\\d+/\\d+ \\d+"), snapshot::toString);
            assertThrows(IOException.class, () -> read("cow.disk@monday", PIECE));
            restart();
        }
        ask(409, "DELETE", "/v1/volumes/cow.disk@monday?force=true", "");
        ask(409, "PATCH", "/v1/volumes/cow.disk@monday", "{\"name\":\"x\"}");
        ask(409, "POST", "/v1/volumes", "{\"name\":\"disk\",\"sizeBytes\":4096}");
        ask(409, "DELETE", "/v1/cow/disk", "");
        ask(204, "DELETE", "/v1/cow/disk@monday", "");
        ask(404, "GET", "/v1/volumes/cow.disk@monday", "");
        ask(204, "DELETE", "/v1/cow/disk", "");
        assertArrayEquals(filled(1 << 20, 1 << 19, 'n'), Files.readAllBytes(disk));
    }

    /** Rules S-M1 and S-M5, and that nobody's origin changes under him. */
    @Test
    void aMergeNeedsBothClosedAndGivesTheOriginTheSnapshotsContents() throws Exception {
        Path store = zeros("store.img", SIZE * 2);
        createDisk();
        create("'name':'disk@monday','store':'" + store + "','chunkBytes':4096");
        fill("disk", 0, SIZE, 'n');
        fill("disk@monday", 0, PIECE, 's');
        try (NbdTestClient origin = new NbdTestClient(pool.nbdSocket(), "disk");
                NbdTestClient snapshot = new NbdTestClient(pool.nbdSocket(), "disk@monday")) {
            origin.read(1, 0, PIECE);
            assertEquals(0, origin.reply(PIECE).error());
            JsonNode refusal = ask(409, "POST", "/v1/cow/disk@monday/merge", "{}");
            assertTrue(refusal.path("error").asText().contains("disk is in use by unix"), refusal::toString);
            ask(409, "DELETE", "/v1/cow/disk@monday", "");
            ask(200, "POST", "/v1/cow/disk@monday/merge", "{\"force\":true}");
            assertThrows(IOException.class, () -> {
                snapshot.read(1, 0, PIECE);
                snapshot.reply(PIECE);
                snapshot.read(1, 0, PIECE);
                snapshot.reply(PIECE);
            });
        }
        assertArrayEquals(filled(0, PIECE, 's'), read("disk", SIZE));
        awaitGone("disk@monday");
        assertArrayEquals(filled(0, PIECE, 's'), read("disk", SIZE));
        assertArrayEquals(filled(0, PIECE, 's'), Files.readAllBytes(disk));
        // Its store is free for the next one.
        create("'name':'disk@tuesday','store':'" + store + "'");
    }

    /** Rule S-M1: the store's header does not tell of a merge; the record does. */
    @Test
    void aMergeGoesOnAfterARestart() throws Exception {
        createDisk();
        create("'name':'disk@monday'");
        fill("disk", 0, SIZE, 'n');
        stop();
        String record = Files.readString(pool.cow());
        assertTrue(record.contains("\"active\""), record);
        Files.writeString(pool.cow(), record.replace("\"active\"", "\"merging\""));
        start();
        assertArrayEquals(old, read("disk", SIZE));
        awaitGone("disk@monday");
        assertArrayEquals(old, read("disk", SIZE));
        ask(404, "GET", "/v1/volumes/cow.disk@monday", "");
        restart();
        assertArrayEquals(old, read("disk", SIZE));
    }

    /** Rule S-V5: what would not fit into the store as it was made. */
    @Test
    void aStoreInThePoolGrowsWithWhatIsWritten() throws Exception {
        int size = 40 << 20;
        Path large = zeros("large.img", size);
        create("'name':'large','origin':'" + large + "'");
        long before = create("'name':'large@empty'").path("storeBytes").asLong();
        assertTrue(before < size, "the store is large enough as it is: " + before);
        fill("large", 0, size, 'x');
        JsonNode after = ask(200, "GET", "/v1/cow/large@empty", "");
        assertEquals("active", after.path("state").asText(), after.path("cause").asText());
        assertTrue(after.path("storeBytes").asLong() > size, after::toString);
        assertArrayEquals(new byte[size], read("large@empty", size));
    }

    @Test
    void aTransientSnapshotEndsWithTheDaemon() throws Exception {
        createDisk();
        create("'name':'disk@try','type':'transient'");
        fill("disk", 0, PIECE, 'n');
        assertArrayEquals(old, read("disk@try", SIZE));
        ask(400, "POST", "/v1/cow/disk@try/merge", "{}");
        assertEquals(
                "active", ask(200, "GET", "/v1/cow/disk@try", "").path("state").asText());
        restart();
        ask(404, "GET", "/v1/cow/disk@try", "");
        ask(404, "GET", "/v1/volumes/cow.disk@try", "");
        assertArrayEquals(filled(0, PIECE, 'n'), read("disk", SIZE));
    }

    /** A snapshot that is left out would miss writes: without its store the origin is not served. */
    @Test
    void anOriginIsNotServedWithoutAllItsSnapshots() throws Exception {
        Path store = zeros("store.img", SIZE);
        createDisk();
        create("'name':'disk@monday','store':'" + store + "'");
        stop();
        Path away = takeAway(store);
        start();
        assertThrows(IOException.class, () -> read("disk", PIECE));
        JsonNode origin = ask(200, "GET", "/v1/cow/disk", "");
        assertEquals("unavailable", origin.path("state").asText());
        assertTrue(origin.path("cause").asText().contains("store.img"), origin::toString);
        stop();
        Files.move(away, store);
        start();
        assertArrayEquals(old, read("disk@monday", SIZE));
        stop();
        Files.delete(store);
        start();
        ask(204, "DELETE", "/v1/cow/disk@monday", "");
        assertArrayEquals(old, read("disk", SIZE));
    }

    @Test
    void whatCannotBeIsRefusedAndNothingIsWritten() throws Exception {
        Path store = zeros("store.img", SIZE);
        Path text = Files.write(directory.resolve("text.img"), "x".repeat(SIZE).getBytes(StandardCharsets.US_ASCII));
        Path tiny = zeros("tiny.img", 8192);
        refused("'name':'disk'", "--origin");
        refused("'name':'disk@s'", "--origin");
        refused("'name':'disk','origin':'" + directory.resolve("none.img") + "'", "none.img");
        refused("'name':'a/b','origin':'" + disk + "'", "a/b");
        refused("'name':'a@b@c','origin':'" + disk + "'", "NAME@SNAP");
        refused("'name':'disk','origin':'" + pool.resolve("data") + "'", "the pool's own data device");
        refused("'name':'disk','origin':'" + disk + "','chunkBytes':4096", "NAME@SNAP");
        refused("'name':'disk@s','origin':'" + disk + "','chunkBytes':5000", "5000");
        refused("'name':'disk@s','origin':'" + disk + "','type':'P'", "'P'");
        refused("'name':'disk@s','origin':'" + disk + "','store':'" + disk + "'", "the origin itself");
        try (PosixDevice held = PosixDevice.open(disk, new OpenOptions(false, true))) {
            refused("'name':'disk','origin':'" + held + "'", "in use");
        }
        assertFalse(Files.exists(pool.cow()) && !Files.readString(pool.cow()).contains("origins: []"));

        createDisk();
        Path link = Files.createLink(directory.resolve("link.img"), disk);
        refused("'name':'disk@s','store':'" + link + "'", "the origin itself");
        refused("'name':'disk@s','store':'" + tiny + "'", "at least");
        refused("'name':'disk@s','store':'" + text + "'", "disk@s");
        refused("'name':'disk@s','store':'" + pool.resolve("metadata") + "'", "the pool's own metadata device");
        refused("'name':'disk@s','chunkBytes':1000", "1000");
        refused("'name':'other','origin':'" + link + "'", "is origin disk already");
        refused("'name':'disk','origin':'" + text + "'", "disk");
        refused("'name':'disk@s','origin':'" + text + "'", "leave --origin away");
        ask(404, "POST", "/v1/cow/disk@s/merge", "{}");
        ask(404, "DELETE", "/v1/cow/disk@s", "");
        ask(400, "POST", "/v1/cow/disk/merge", "{}");
        create("'name':'disk@s','store':'" + store + "'");
        refused("'name':'disk@t','store':'" + store + "'", "in use by snapshot disk@s");
        refused("'name':'disk@s'", "already");
        assertEquals(0, ask(200, "GET", "/v1/volumes", "").size());
        assertArrayEquals(old, Files.readAllBytes(disk));
        assertArrayEquals(new byte[8192], Files.readAllBytes(tiny));
        assertEquals("x".repeat(SIZE), Files.readString(text));
    }
}

package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code cow.yaml} remembers, and what a start makes of it: of loss, of swapped devices, of steps half done. */
@Timeout(120)
class CowRecordTest extends CowDaemon {
    private void edit(String from, String to) throws IOException {
        String text = Files.readString(pool.cow());
        assertTrue(text.contains(from), text);
        Files.writeString(pool.cow(), text.replace(from, to));
    }

    private String error(int status, String method, String path, String body) throws IOException {
        return ask(status, method, path, body).path("error").asText();
    }

    private static Daemon serveStore(PoolDirectory elsewhere) throws StorageException {
        return Daemon.start(new DaemonConfig(
                elsewhere, PoolConfig.read(elsewhere.config()), List.of(), IoEngineChoice.AUTO, 1, TlsSettings.OFF));
    }

    /** Rule S-V6: the store was away, so it knows nothing of the write that it missed. */
    @Test
    void aSnapshotThatMissedAWriteIsLostForEver() throws Exception {
        PoolDirectory elsewhere = new PoolDirectory(directory.resolve("elsewhere"));
        Daemon storeServer = serveNewStore(elsewhere);
        createDisk();
        create("'name':'disk@s','store':'nbd+unix:///store?socket=" + elsewhere.nbdSocket() + "'");
        fill("disk@s", 0, PIECE, 's');
        storeServer.stop();
        fill("disk", 1 << 20, PIECE, 'n');
        assertEquals(
                "invalid", ask(200, "GET", "/v1/cow/disk@s", "").path("state").asText());
        assertTrue(Files.readString(pool.cow()).contains("state: \"lost\""), Files.readString(pool.cow()));
        stop();
        storeServer = serveStore(elsewhere);
        try {
            start();
            JsonNode snapshot = ask(200, "GET", "/v1/cow/disk@s", "");
            assertEquals("invalid", snapshot.path("state").asText());
            assertTrue(snapshot.path("cause").asText().contains("failed"), snapshot::toString);
            assertThrows(IOException.class, () -> read("disk@s", PIECE));
            String refusal = error(400, "POST", "/v1/cow/disk@s/merge", "{}");
            assertTrue(refusal.contains("its contents are lost"), refusal);
            assertArrayEquals(filled(1 << 20, PIECE, 'n'), read("disk", SIZE));
            ask(204, "DELETE", "/v1/cow/disk@s", "");
        } finally {
            stop();
            storeServer.stop();
        }
    }

    /** Another disk stands under the origin's name: a merge that goes on would write over it. */
    @ParameterizedTest
    @ValueSource(strings = {"active", "merging"})
    void anotherDeviceUnderTheOriginsNameIsLeftAlone(String state) throws Exception {
        createDisk();
        create("'name':'disk@s'");
        fill("disk@s", 0, 1 << 20, 's');
        stop();
        edit("state: \"active\"", "state: \"" + state + "\"");
        Path away = takeAway(disk);
        byte[] foreign = new byte[SIZE];
        Arrays.fill(foreign, (byte) 99);
        Files.write(disk, foreign);
        start();
        String cause = causeOfDisk();
        assertTrue(cause.contains("is not the device that the origin was"), cause);
        stop();
        assertArrayEquals(foreign, Files.readAllBytes(disk));
        Files.delete(disk);
        Files.move(away, disk);
        start();
        if (state.equals("active")) {
            assertArrayEquals(filled(0, 1 << 20, 's'), read("disk@s", SIZE));
        } else {
            assertArrayEquals(filled(0, 1 << 20, 's'), read("disk", SIZE));
        }
    }

    /** The header was written, and then the daemon was killed: the device is no snapshot's store. */
    @Test
    void aStoreThatWasLeftHalfMadeIsFreeAfterTheStart() throws Exception {
        Path store = createDiskWithSnapshot();
        stop();
        edit("state: \"active\"", "state: \"creating\"");
        start();
        ask(404, "GET", "/v1/cow/disk@s", "");
        create("'name':'disk@again','store':'" + store + "'");
        fill("disk", 0, PIECE, 'n');
        assertArrayEquals(old, read("disk@again", SIZE));
    }

    /** Nothing of another snapshot's store is wiped in the name of one that was half made. */
    @Test
    void aStoreThatIsAnothersIsLeftAlone() throws Exception {
        Path store = createDiskWithSnapshot();
        stop();
        String id = Files.readString(pool.cow()).replaceAll("(?s).*id: \"([^\"]*)\".*", "$1");
        edit(id, "00000000-0000-0000-0000-000000000001");
        edit("state: \"active\"", "state: \"deleting\"");
        byte[] before = Files.readAllBytes(store);
        start();
        ask(404, "GET", "/v1/cow/disk@s", "");
        stop();
        assertArrayEquals(before, Files.readAllBytes(store));
    }

    /** A merge whose store has gone fails, and its origin is served: it can be given up while it is. */
    @Test
    void aServedHalfMergedSnapshotCanBeGivenUp() throws Exception {
        PoolDirectory elsewhere = new PoolDirectory(directory.resolve("elsewhere"));
        Daemon storeServer = serveNewStore(elsewhere);
        createDisk();
        create("'name':'disk@s','store':'nbd+unix:///store?socket=" + elsewhere.nbdSocket() + "'");
        fill("disk@s", 0, 1 << 20, 's');
        storeServer.stop();
        ask(200, "POST", "/v1/cow/disk@s/merge", "{}");
        while (!ask(200, "GET", "/v1/cow/disk@s", "").path("state").asText().contains("failed")) {
            Thread.sleep(20);
        }
        String refusal = error(409, "DELETE", "/v1/cow/disk@s", "");
        assertTrue(refusal.contains("or destroy that with --force"), refusal);
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "disk")) {
            // What the store has is not to be had; the rest is the origin's own.
            client.read(1, 2 << 20, PIECE);
            assertEquals(0, client.reply(PIECE).error());
            ask(204, "DELETE", "/v1/cow/disk@s?force=true", "");
        }
        ask(404, "GET", "/v1/cow/disk@s", "");
        assertEquals(SIZE, read("disk", SIZE).length);
        create("'name':'disk@next'");
        restart();
        assertEquals(SIZE, read("disk@next", SIZE).length);
    }

    /** A daemon with a volume for a store, and this one waits for it no longer than a second. */
    private Daemon serveNewStore(PoolDirectory elsewhere) throws Exception {
        PoolCreation.createInFiles(elsewhere, 64 << 20, 64 << 10, true);
        Daemon storeServer = serveStore(elsewhere);
        new AdminClient(elsewhere.adminSocket())
                .send("POST", "/v1/volumes", "{\"name\":\"store\",\"sizeBytes\":16777216}");
        stop();
        Files.writeString(pool.config(), Files.readString(pool.config()) + "device-patience: 1s\n");
        start();
        return storeServer;
    }

    /** An origin may grow; its file is the same. */
    @Test
    void aGrownOriginIsTheSame() throws Exception {
        createDisk();
        create("'name':'disk@s'");
        stop();
        Files.write(disk, Arrays.copyOf(old, 2 * SIZE));
        restart();
        assertArrayEquals(old, read("disk@s", SIZE));
        assertEquals(
                2 * SIZE, ask(200, "GET", "/v1/cow/disk", "").path("sizeBytes").asInt());
        assertEquals(
                SIZE, ask(200, "GET", "/v1/cow/disk@s", "").path("sizeBytes").asInt(), "S-L7: as large as it was made");
    }

    /** Rule S-L5: two stores that were swapped. */
    @Test
    void swappedStoresAreRefused() throws Exception {
        Path one = zeros("one.img", SIZE * 2);
        Path two = zeros("two.img", SIZE * 2);
        createDisk();
        create("'name':'disk@one','store':'" + one + "'");
        fill("disk", 0, PIECE, 'a');
        create("'name':'disk@two','store':'" + two + "'");
        stop();
        // Nothing is known of the devices: the ids decide.
        Files.writeString(pool.cow(), Files.readString(pool.cow()).replaceAll(" *identity: \"[^\"]*\"\n", ""));
        Path third = Files.move(one, directory.resolve("third.img"));
        Files.move(two, one);
        Files.move(third, two);
        start();
        String cause = causeOfDisk();
        assertTrue(cause.contains("another snapshot's store"), cause);
    }

    @Test
    void aRecordedStoreCannotBecomeAnOrigin() throws Exception {
        Path store = createDiskWithSnapshot();
        fill("disk@s", 0, PIECE, 's');
        stop();
        Path away = takeAway(disk); // So nobody holds the store.
        start();
        refused("'name':'other','origin':'" + store + "'", "is the store of snapshot disk@s");
        stop();
        Files.move(away, disk);
        start();
        assertArrayEquals(filled(0, PIECE, 's'), read("disk@s", SIZE));
    }

    /** As a crash leaves it between two steps of create or delete, with the store's volume and without. */
    @ParameterizedTest
    @ValueSource(strings = {"creating", "deleting"})
    void whatIsHalfMadeOrHalfGoneGoesAwayAtTheStart(String state) throws Exception {
        createDisk();
        create("'name':'disk@s'");
        fill("disk", 0, PIECE, 'n');
        stop();
        edit("state: \"active\"", "state: \"" + state + "\"");
        String record = Files.readString(pool.cow());
        start();
        ask(404, "GET", "/v1/cow/disk@s", "");
        ask(404, "GET", "/v1/volumes/cow.disk@s", "");
        assertArrayEquals(filled(0, PIECE, 'n'), read("disk", SIZE));
        stop();
        Files.writeString(pool.cow(), record);
        start();
        ask(404, "GET", "/v1/cow/disk@s", "");
        create("'name':'disk@s'");
        fill("disk", 0, PIECE, 'x');
        assertArrayEquals(filled(0, PIECE, 'n'), read("disk@s", SIZE));
    }

    /** What is called as a store would be is its user's, and is not taken away with a snapshot that was not made. */
    @Test
    void aVolumeOfTheStoresNameIsLeftAlone() throws Exception {
        createDisk();
        ask(201, "POST", "/v1/volumes", "{\"name\":\"cow.disk@s\",\"sizeBytes\":1048576}");
        refused("'name':'disk@s'", "a volume is called cow.disk@s");
        restart();
        ask(200, "GET", "/v1/volumes/cow.disk@s", "");
        assertArrayEquals(old, read("disk", SIZE));
    }

    @Test
    void givingUpAHalfMergedSnapshotSaysWhatItDestroys() throws Exception {
        Path store = createDiskWithSnapshot();
        fill("disk@s", 0, PIECE, 's');
        stop();
        edit("state: \"active\"", "state: \"merging\"");
        Path away = takeAway(store);
        start();
        String refusal = error(409, "DELETE", "/v1/cow/disk@s", "");
        assertTrue(refusal.contains("disk stays a mixture") && refusal.contains("--force"), refusal);
        stop();
        Files.move(away, store);
        start();
        assertArrayEquals(filled(0, PIECE, 's'), read("disk", SIZE));
        awaitGone("disk@s");
    }

    @Test
    void withForceItIsGivenUp() throws Exception {
        Path store = createDiskWithSnapshot();
        stop();
        edit("state: \"active\"", "state: \"merging\"");
        Files.delete(store);
        start();
        ask(204, "DELETE", "/v1/cow/disk@s?force=true", "");
        assertArrayEquals(old, read("disk", SIZE));
    }
}

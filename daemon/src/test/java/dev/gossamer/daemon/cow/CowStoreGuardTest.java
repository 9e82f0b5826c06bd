package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.daemon.admin.AdminClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A volume that is a snapshot's store is written by that snapshot alone, and its blocks are nobody else's: what would
 * overwrite it is refused, and so is what would share it, for then its tables have no space of their own (rule S-V7).
 */
@Timeout(120)
class CowStoreGuardTest extends CowDaemon {
    private static final String STORE = "cow.disk@s";

    @BeforeEach
    void makeSnapshot() throws IOException {
        createDisk();
        create("'name':'disk@s'");
        fill("disk", 0, PIECE, 'n');
        ask(201, "POST", "/v1/volumes", "{\"name\":\"v\",\"sizeBytes\":" + SIZE + "}");
        fill("v", 0, PIECE, 'v');
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/v1/clone | {'source':'v','destination':'STORE'}",
                "/v1/clone | {'source':'STORE','destination':'v'}",
                "/v1/dedupe | {'volumes':['v','STORE']}",
                "/v1/volumes/STORE/snapshots | {'name':'copy'}",
                "/v1/snapshots | {'snapshots':[{'origin':'STORE','name':'copy'}]}",
                "/v1/volumes/STORE/rollback | {'to':'v'}",
                "/v1/volumes/v/rollback | {'to':'STORE'}",
            })
    void isRefused(String path, String body) throws Exception {
        isRefused("POST", path, body);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/limits | {'limitBytes':1048576}",
                "/limits | {'reserveBytes':1048576}",
                "/limits | {'onFull':'error'}",
                "'' | {'sizeBytes':1048576,'force':true}",
                "'' | {'sizeBytes':67108864}",
                "'' | {'name':'mine'}",
            })
    void isNotChanged(String part, String body) throws Exception {
        isRefused("PATCH", "/v1/volumes/STORE" + part, body);
    }

    private void isRefused(String method, String path, String body) throws Exception {
        String error = ask(
                        409,
                        method,
                        path.replace("STORE", STORE),
                        body.replace("STORE", STORE).replace('\'', '"'))
                .path("error")
                .asText();
        assertTrue(error.contains(STORE + " is the store of a snapshot"), error);
        assertArrayEquals(old, read("disk@s", SIZE));
        restart();
        assertArrayEquals(old, read("disk@s", SIZE));
    }

    @Test
    void itIsNotDeleted() throws Exception {
        for (String path : List.of("/v1/volumes/STORE", "/v1/volumes/STORE?force=true")) {
            String error = ask(409, "DELETE", path.replace("STORE", STORE), "")
                    .path("error")
                    .asText();
            assertTrue(error.contains("it goes with: gossamer cow delete disk@s"), error);
        }
        String uuid = ask(200, "GET", "/v1/volumes/" + STORE, "").path("uuid").asText();
        ask(409, "DELETE", "/v1/uuids/" + uuid, "");
        assertArrayEquals(old, read("disk@s", SIZE));
    }

    /** Of all volumes: a store among them keeps its blocks to itself, and need not be known when it begins. */
    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"volumes\":[\"v\"]}"})
    void othersAreDeduped(String body) throws Exception {
        fill("disk@s", 0, 4 * PIECE, 'v'); // So that whole blocks of the store's volume are like v's.
        Arrays.fill(old, 0, 4 * PIECE, (byte) 'v');
        long mapped =
                ask(200, "GET", "/v1/volumes/" + STORE, "").path("mappedBytes").asLong();
        long job = ask(202, "POST", "/v1/dedupe", body).path("id").asLong();
        String state = "running";
        while (!state.equals("done")) {
            state = ask(200, "GET", "/v1/jobs/" + job, "").path("state").asText();
            assertTrue(!state.equals("failed") && !state.equals("cancelled"), state);
            Thread.sleep(10);
        }
        JsonNode space = ask(200, "GET", "/v1/volumes/" + STORE + "/space", "");
        assertEquals(mapped, space.path("exclusiveBytes").asLong(), space.toString());
        assertArrayEquals(old, read("disk@s", SIZE));
    }

    /** Whoever is first has a name; the other is refused, and what it had begun takes nothing of the first away. */
    @Test
    void ofAVolumeAndAStoreThatAreMadeAtOnceOneGetsTheName() throws Exception {
        for (int i = 0; i < 30; i++) {
            String snapshot = "disk@r" + i;
            String name = i % 2 == 0 ? snapshot : "cow." + snapshot;
            AdminClient client = new AdminClient(pool.adminSocket());
            CompletableFuture<Integer> asked = CompletableFuture.supplyAsync(
                    () -> status(client, "/v1/volumes", "{\"name\":\"" + name + "\",\"sizeBytes\":" + SIZE + "}"));
            int made = status(new AdminClient(pool.adminSocket()), "/v1/cow", "{\"name\":\"" + snapshot + "\"}");
            int volume = asked.get();
            assertEquals(List.of(201, 409), Stream.of(made, volume).sorted().toList(), name);
            if (volume == 201) {
                ask(200, "GET", "/v1/volumes/" + name, "");
                ask(204, "DELETE", "/v1/volumes/" + name, "");
            } else {
                ask(204, "DELETE", "/v1/cow/" + snapshot, "");
            }
        }
    }

    private static int status(AdminClient client, String path, String body) {
        try {
            return client.send("POST", path, body).status();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

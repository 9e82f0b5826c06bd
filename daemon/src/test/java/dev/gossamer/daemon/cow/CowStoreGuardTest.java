package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
                "/v1/dedupe | {}",
                "/v1/volumes/STORE/snapshots | {'name':'copy'}",
                "/v1/snapshots | {'snapshots':[{'origin':'STORE','name':'copy'}]}",
                "/v1/volumes/STORE/rollback | {'to':'v'}",
                "/v1/volumes/v/rollback | {'to':'STORE'}",
            })
    void isRefused(String path, String body) throws Exception {
        String error = ask(
                        409,
                        "POST",
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
    void othersAreDeduped() throws Exception {
        long job = ask(202, "POST", "/v1/dedupe", "{\"volumes\":[\"v\"]}")
                .path("id")
                .asLong();
        String state = "running";
        while (!state.equals("done")) {
            state = ask(200, "GET", "/v1/jobs/" + job, "").path("state").asText();
            assertTrue(!state.equals("failed") && !state.equals("cancelled"), state);
            Thread.sleep(10);
        }
        assertArrayEquals(old, read("disk@s", SIZE));
        ask(204, "DELETE", "/v1/cow/disk@s", "");
        ask(202, "POST", "/v1/dedupe", "{}");
    }
}

package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.NbdTestClient;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.ring.IoEngineChoice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A deletion or a rollback that waits for clients, while the volume gives its name to another one (OP-20). */
class ForcedDeletionTest {
    @TempDir
    private Path directory;

    private PoolDirectory pool;
    private Daemon daemon;

    @BeforeEach
    void start() throws Exception {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        daemon = Daemon.start(new DaemonConfig(
                pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.AUTO, 1, TlsSettings.OFF));
    }

    @AfterEach
    void stop() throws Exception {
        daemon.stop();
    }

    private AdminClient.Answer send(String method, String path, String body) {
        try {
            return new AdminClient(pool.adminSocket()).send(method, path, body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonNode json(String method, String path, String body) throws IOException {
        return new JsonMapper().readTree(send(method, path, body).body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"DELETE /v1/uuids/UUID", "DELETE /v1/volumes/NAME", "POST /v1/volumes/NAME/rollback"})
    void onlyTheVolumeThatWasMeantIsTouched(String command) throws Exception {
        // What waits has five seconds, and then another try.
        for (int i = 0; !isRenamedInTime(command, "db" + i); i++) {
            assertTrue(i < 10, "clients are never waited for");
        }
    }

    private boolean isRenamedInTime(String command, String name) throws Exception {
        String uuid = json("POST", "/v1/volumes", "{\"name\":\"" + name + "\",\"sizeBytes\":33554432}")
                .path("uuid")
                .asText();
        send("POST", "/v1/volumes/" + name + "/snapshots", "{\"name\":\"before-" + name + "\"}");
        int volumes = json("GET", "/v1/volumes", "").size();
        AdminClient.Answer renamed;
        AdminClient.Answer answer;
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), name)) {
            for (int i = 0; i < 20; i++) {
                client.read(i, i << 20, 1 << 20); // its answers are not taken, so its end takes a while
            }
            Thread.sleep(500);
            String[] words = command.split(" ", -1);
            boolean deletes = words[0].equals("DELETE");
            String path = words[1].replace("UUID", uuid).replace("NAME", name) + (deletes ? "?force=true" : "");
            String body = deletes ? "" : "{\"to\":\"before-" + name + "\",\"force\":true}";
            CompletableFuture<AdminClient.Answer> waiting =
                    CompletableFuture.supplyAsync(() -> send(words[0], path, body));
            Thread.sleep(1_000);
            renamed = send("PATCH", "/v1/volumes/" + name, "{\"name\":\"old-" + name + "\"}");
            assertEquals(
                    201,
                    send("PUT", "/v1/volumes/" + name, "{\"sizeBytes\":1048576}")
                            .status());
            answer = waiting.get();
        }
        if (renamed.status() != 200 || answer.status() < 300) {
            return false;
        }
        assertTrue(answer.status() == 404 && answer.body().contains("another one by now"), answer::toString);
        assertEquals(
                1 << 20,
                json("GET", "/v1/volumes/" + name, "").path("sizeBytes").asLong());
        assertEquals(
                uuid, json("GET", "/v1/volumes/old-" + name, "").path("uuid").asText());
        assertEquals(volumes + 1, json("GET", "/v1/volumes", "").size(), "nothing was made, and nothing deleted");
        return true;
    }
}

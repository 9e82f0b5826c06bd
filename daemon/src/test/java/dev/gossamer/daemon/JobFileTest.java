package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs that the end of the daemon has interrupted are told at the next start (RL-9). */
@Timeout(60)
class JobFileTest {
    @TempDir
    private Path directory;

    private PoolDirectory pool;
    private Daemon daemon;

    @BeforeEach
    void serveANewPool() throws StorageException {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        start();
    }

    private void start() throws StorageException {
        daemon = Daemon.start(new DaemonConfig(
                pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF));
    }

    @AfterEach
    void stop() throws StorageException {
        daemon.stop();
    }

    private AdminClient.Answer send(String method, String path, String body) throws IOException {
        return new AdminClient(pool.adminSocket()).send(method, path, body);
    }

    private JsonNode json(String method, String path, String body) throws IOException {
        return new JsonMapper().readTree(send(method, path, body).body());
    }

    @Test
    void rl9AnInterruptedJobIsToldOnceAndOneThatWasDoneIsNot() throws IOException, StorageException {
        json("POST", "/v1/volumes", "{\"name\": \"a\", \"sizeBytes\": 1048576}");
        json("POST", "/v1/dedupe", "{}");
        while (json("GET", "/v1/jobs/1", "").path("state").asText().equals("running")) {
            Thread.onSpinWait();
        }
        // After what it reads first it rests for a day.
        assertEquals(
                2,
                json("POST", "/v1/dedupe", "{\"bytesPerSecond\": 1}").path("id").asInt());
        daemon.stop();
        start();
        JsonNode jobs = json("GET", "/v1/jobs", "");
        assertEquals(1, jobs.size(), jobs.toString());
        assertEquals("interrupted", jobs.path(0).path("state").asText());
        assertEquals("dedupe", jobs.path(0).path("kind").asText());
        assertTrue(jobs.path(0).path("message").asText().contains("start it again"), jobs.toString());
        assertEquals("interrupted", json("GET", "/v1/jobs/2", "").path("state").asText());
        assertTrue(send("POST", "/v1/jobs/2/resume", "{}").body().contains("was interrupted; start it again"));
        assertEquals(3, json("POST", "/v1/dedupe", "{}").path("id").asInt(), "no number is used twice");
        daemon.stop();
        start();
        assertFalse(json("GET", "/v1/jobs/2", "").path("kind").asText().equals("dedupe"), "told once");
    }

    @Test
    void aFileThatTellsNothingIsLeftOut() throws IOException, StorageException {
        daemon.stop();
        for (String text :
                new String[] {"{", "[{\"id\": 1}]", "[{\"startedAt\": \"yesterday\"}]", "x".repeat(70_000)}) {
            Files.writeString(pool.path().resolve("jobs.json"), text);
            start();
            assertEquals("[]", send("GET", "/v1/jobs", "").body().replaceAll("\\s", ""), text);
            daemon.stop();
        }
        start();
    }

    /** A pipe that nobody writes to would keep the daemon from starting. */
    @Test
    @Timeout(60)
    void whatIsNoFileIsNotWaitedFor() throws IOException, StorageException, InterruptedException {
        daemon.stop();
        Path jobs = pool.path().resolve("jobs.json");
        Files.deleteIfExists(jobs);
        assertEquals(0, new ProcessBuilder("mkfifo", jobs.toString()).start().waitFor());
        start();
        assertEquals("[]", send("GET", "/v1/jobs", "").body().replaceAll("\\s", ""));
        daemon.stop();
        Files.delete(jobs);
        Files.createDirectory(jobs);
        start();
        assertEquals("[]", send("GET", "/v1/jobs", "").body().replaceAll("\\s", ""));
    }
}

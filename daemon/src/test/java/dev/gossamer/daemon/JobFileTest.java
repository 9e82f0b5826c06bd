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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Jobs that the end of the daemon has interrupted are begun again, or told, at the next start (RL-9). */
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

    private JsonNode whenOver(int id) throws IOException {
        JsonNode job = json("GET", "/v1/jobs/" + id, "");
        while (job.path("state").asText().equals("running")) {
            Thread.onSpinWait();
            job = json("GET", "/v1/jobs/" + id, "");
        }
        return job;
    }

    /** After what it reads first it rests for a day. */
    private void startOneThatRests(boolean dryRun, int expectedId) throws IOException {
        JsonNode job = json("POST", "/v1/dedupe", "{\"bytesPerSecond\": 1, \"dryRun\": " + dryRun + "}");
        assertEquals(expectedId, job.path("id").asInt(), job.toString());
    }

    private JsonNode written() throws IOException {
        return new JsonMapper().readTree(pool.jobs().toFile());
    }

    @BeforeEach
    void aVolumeAndAJobThatIsDone() throws IOException {
        json("POST", "/v1/volumes", "{\"name\": \"a\", \"sizeBytes\": 1048576}");
        assertEquals(
                "done",
                whenOver(json("POST", "/v1/dedupe", "{}").path("id").asInt())
                        .path("state")
                        .asText());
    }

    @Test
    void rl9AJobThatIsNotBegunAgainIsToldOnceAndOneThatWasDoneIsNot() throws IOException, StorageException {
        startOneThatRests(true, 2);
        daemon.stop();
        start();
        JsonNode jobs = json("GET", "/v1/jobs", "");
        assertEquals(1, jobs.size(), jobs.toString());
        assertEquals("interrupted", jobs.path(0).path("state").asText());
        assertEquals("dedupe", jobs.path(0).path("kind").asText());
        assertTrue(jobs.path(0).path("message").asText().contains("start it again"), jobs.toString());
        assertEquals("interrupted", json("GET", "/v1/jobs/2", "").path("state").asText());
        assertTrue(send("POST", "/v1/jobs/2/resume", "{}").body().contains("it was interrupted: the daemon ended"));
        assertEquals(3, json("POST", "/v1/dedupe", "{}").path("id").asInt(), "no number is used twice");
        daemon.stop();
        start();
        assertFalse(json("GET", "/v1/jobs/2", "").path("kind").asText().equals("dedupe"), "told once");
    }

    /** Under its number, and as often as the daemon is stopped; a paused one stays so. */
    @Test
    void rl9AJobGoesOnAfterARestart() throws IOException, StorageException {
        startOneThatRests(false, 2);
        assertEquals(2, written().path(0).path("id").asInt(), "written down before it was answered");
        for (int i = 0; i < JobRestart.MAX_BEGUN + 2; i++) {
            daemon.stop();
            assertEquals(0, written().path(0).path("begun").asInt(), "an end in order is none of the job's");
            start();
            assertEquals("running", json("GET", "/v1/jobs/2", "").path("state").asText());
            assertEquals(1, written().path(0).path("begun").asInt());
        }
        assertEquals(
                "paused", json("POST", "/v1/jobs/2/pause", "").path("state").asText());
        daemon.stop();
        start();
        assertEquals("paused", json("GET", "/v1/jobs/2", "").path("state").asText());
        send("POST", "/v1/jobs/2/cancel", "");
        while (json("GET", "/v1/jobs/2", "").path("state").asText().equals("paused")) {
            Thread.onSpinWait();
        }
        startOneThatRests(true, 3);
        daemon.stop();
        start();
        assertEquals("dedupe", json("GET", "/v1/jobs/3", "").path("kind").asText());
        assertFalse(json("GET", "/v1/jobs/2", "").has("state"), "a cancelled one does not come back");
    }

    /** As a daemon leaves it that has lost its power: each kind finds what there is left to do. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "shrink | {\"dataBytes\": 33554432}",
                "evacuate | {\"offsetBytes\": 33554432, \"lengthBytes\": 1048576, \"acceptLosses\": true}",
                "dedupe | {\"volumes\": [ID], \"bytesPerSecond\": 0}",
                "defragment | {\"volume\": ID}",
                "independent | {\"volume\": ID}",
            })
    void rl9EachKindIsBegunAgain(String kind, String request) throws IOException, StorageException {
        String id = json("GET", "/v1/volumes/a", "").path("id").asText();
        send("PATCH", "/v1/volumes/a", "{\"name\": \"renamed\"}");
        daemon.stop();
        Files.writeString(
                pool.jobs(),
                "[{\"id\": 7, \"kind\": \"" + kind + "\", \"startedAt\": \"2026-01-01T00:00:00Z\", \"request\": "
                        + request.replace("ID", id) + "}]");
        start();
        JsonNode over = whenOver(7);
        assertEquals("done", over.path("state").asText(), over.toString());
        assertEquals(kind, over.path("kind").asText());
        assertEquals(8, json("POST", "/v1/dedupe", "{}").path("id").asInt());
        if (kind.equals("shrink")) {
            assertEquals(
                    32 << 20, json("GET", "/v1/status", "").path("dataBytes").asInt());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "shrink | {\"dataBytes\": 65536} | 0 | can be made no smaller than",
                "defragment | {\"volume\": 4711} | 0 | there is no volume with the id 4711 any more",
                "detach | {\"volume\": ID} | 0 | is over no external origin",
                "defragment | {\"volume\": ID} | 3 | it was begun again 3 times",
                "clone | {} | 0 | start it again to go on",
            })
    void rl9WhatCannotGoOnIsToldWithTheReason(String kind, String request, int begun, String reason)
            throws IOException, StorageException {
        String id = json("GET", "/v1/volumes/a", "").path("id").asText();
        daemon.stop();
        Files.writeString(
                pool.jobs(),
                "[{\"id\": 7, \"kind\": \"" + kind + "\", \"startedAt\": \"2026-01-01T00:00:00Z\", \"begun\": " + begun
                        + ", \"request\": " + request.replace("ID", id) + "}]");
        start();
        JsonNode told = json("GET", "/v1/jobs/7", "");
        assertEquals("interrupted", told.path("state").asText(), told.toString());
        assertTrue(told.path("message").asText().contains(reason), told.toString());
        assertEquals(0, written().size());
        startOneThatRests(true, 8);
    }

    @Test
    void aFileThatTellsNothingIsLeftOut() throws IOException, StorageException {
        daemon.stop();
        for (String text :
                new String[] {"{", "[{\"id\": 1}]", "[{\"startedAt\": \"yesterday\"}]", "x".repeat(5 << 20)}) {
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

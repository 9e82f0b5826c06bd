package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
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
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole daemon in this process, asked over its admin socket. */
@Timeout(60)
class DaemonTest {
    @TempDir
    private Path directory;

    private PoolDirectory pool;
    private Daemon daemon;

    @BeforeEach
    void serveANewPool() throws StorageException {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        daemon = start();
    }

    @AfterEach
    void stop() throws StorageException {
        if (daemon != null) {
            daemon.stop();
        }
        assertFalse(Files.exists(pool.adminSocket()));
        assertFalse(Files.exists(pool.nbdSocket()));
    }

    private Daemon start() throws StorageException {
        return Daemon.start(new DaemonConfig(
                pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.AUTO, 1, TlsSettings.OFF));
    }

    private AdminClient.Answer send(String method, String path, String body) throws IOException {
        return new AdminClient(pool.adminSocket()).send(method, path, body);
    }

    private JsonNode ok(int status, String method, String path, String body) throws IOException {
        AdminClient.Answer answer = send(method, path, body);
        assertEquals(status, answer.status(), answer.body());
        return new JsonMapper().readTree(answer.body());
    }

    private void refused(int status, String method, String path, String body, String reason) throws IOException {
        JsonNode answer = ok(status, method, path, body);
        String error = answer.path("error").asText();
        assertTrue(error.contains(reason), error);
        assertEquals(1, error.lines().count(), error);
    }

    @Test
    void theAdminSocketIsTheOwnersUnlessARuleSaysMore() throws IOException {
        assertEquals("rw-------", adminMode());
        Files.writeString(pool.clients(), "admin: [{uid: 4000001, rights: read-only}]\n");
        assertEquals(204, send("POST", "/v1/reload", "").status());
        assertEquals("rw-rw-rw-", adminMode());
        Files.writeString(pool.clients(), "admin: [{rights: read-only}]\n");
        refused(400, "POST", "/v1/reload", "", "admin rule 1: 'uid' must be");
        assertEquals("rw-rw-rw-", adminMode());
        Files.writeString(pool.clients(), "admin: []\n");
        assertEquals(204, send("POST", "/v1/reload", "").status());
        assertEquals("rw-------", adminMode());
    }

    private String adminMode() throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(pool.adminSocket()));
    }

    /** The mode of the admin socket is the last that can go wrong: then nobody's rights have changed. */
    @Test
    void aReloadThatFailsLateChangesNothing() throws Exception {
        ok(201, "POST", "/v1/volumes", "{\"name\":\"vol0\",\"sizeBytes\":1048576}");
        Files.delete(pool.adminSocket());
        Files.writeString(pool.clients(), "access: []\nadmin: [{uid: 4000001, rights: read-only}]\n");
        StorageException refused = assertThrows(StorageException.class, daemon::reload);
        assertTrue(refused.getMessage().contains("cannot change who may connect"), refused.getMessage());
        new NbdTestClient(pool.nbdSocket(), "vol0").close();
        // Nor are they rules that may not vanish: they were never in force.
        Files.delete(pool.clients());
        Files.createFile(pool.adminSocket());
        daemon.reload();
        new NbdTestClient(pool.nbdSocket(), "vol0").close();
        Files.delete(pool.adminSocket());
    }

    @Test
    void limitsThatTheProcessHasNoMemoryForAreRefusedAtStartAndAtReload() throws Exception {
        Files.writeString(pool.clients(), "limits: {connections: 1000000}\n");
        refused(400, "POST", "/v1/reload", "", "1000000 connections and");
        daemon.stop();
        daemon = null;
        StorageException refused = assertThrows(StorageException.class, this::start);
        assertTrue(refused.getMessage().contains("lower 'connections'"), refused.getMessage());
    }

    @Test
    void aVolumeLivesFromCreationToDeletion() throws IOException {
        JsonNode volume = ok(201, "POST", "/v1/volumes", "{\"name\":\"vol0\",\"sizeBytes\":1048576}");
        assertEquals("vol0", volume.path("name").asText());
        assertEquals(1 << 20, volume.path("sizeBytes").asLong());
        assertEquals(0, volume.path("mappedBytes").asLong());
        assertFalse(volume.path("readOnly").asBoolean(true));
        assertTrue(volume.path("originId").isNull());
        assertEquals(
                volume.path("uuid").asText(),
                UUID.fromString(volume.path("uuid").asText()).toString());
        assertTrue(Instant.parse(volume.path("createdAt").asText())
                .isBefore(Instant.now().plusSeconds(1)));

        JsonNode snapshot = ok(201, "POST", "/v1/volumes/vol0/snapshots", "{\"name\":\"s\",\"readOnly\":true}");
        assertEquals(volume.path("id").asInt(), snapshot.path("originId").asInt());
        assertTrue(snapshot.path("readOnly").asBoolean());
        assertEquals(2, ok(200, "GET", "/v1/volumes", "").size());
        assertEquals(
                "s", ok(200, "GET", "/v1/snapshots", "").path(0).path("name").asText());

        assertEquals(
                2 << 20,
                ok(200, "PATCH", "/v1/volumes/vol0", "{\"sizeBytes\":2097152}")
                        .path("sizeBytes")
                        .asLong());
        assertEquals(
                "v1",
                ok(200, "PATCH", "/v1/volumes/vol0", "{\"name\":\"v1\"}")
                        .path("name")
                        .asText());
        assertEquals(204, send("DELETE", "/v1/volumes/v1", "").status());
        assertEquals(204, send("DELETE", "/v1/volumes/s", "").status());
        assertEquals(0, ok(200, "GET", "/v1/volumes", "").size());
    }

    @Test
    void whatIsWrongIsRefusedWithAReason() throws IOException {
        ok(201, "POST", "/v1/volumes", "{\"name\":\"vol0\",\"sizeBytes\":1048576}");
        refused(409, "POST", "/v1/volumes", "{\"name\":\"vol0\",\"sizeBytes\":1048576}", "exists already");
        refused(400, "POST", "/v1/volumes", "{\"name\":\"a/b\",\"sizeBytes\":1048576}", "a/b");
        refused(400, "POST", "/v1/volumes", "{\"name\":\"a\",\"sizeBytes\":1000}", "1000");
        refused(400, "POST", "/v1/volumes", "{\"name\":\"a\",\"sizeBytes\":1e6}", "sizeBytes");
        refused(400, "POST", "/v1/volumes", "{\"name\":\"a\",\"sizeBytes\":99999999999999999999}", "sizeBytes");
        refused(400, "POST", "/v1/volumes", "{\"name\":\"a\",\"size\":4096}", "unknown field");
        refused(400, "POST", "/v1/volumes", "{\"name\":", "JSON");
        refused(400, "POST", "/v1/volumes", "", "JSON");
        refused(400, "PATCH", "/v1/volumes/vol0", "{}", "either");
        refused(404, "GET", "/v1/volumes/none", "", "none");
        refused(404, "POST", "/v1/volumes/none/snapshots", "{\"name\":\"s\"}", "none");
        refused(404, "GET", "/v2/volumes", "", "unknown path");
        refused(405, "PUT", "/v1/volumes", "", "PUT");
        refused(413, "POST", "/v1/volumes", " ".repeat(600_000), "longer");
    }

    @Test
    void statusAndMetricsTellWhatThePoolIsLike() throws IOException {
        JsonNode status = ok(200, "GET", "/v1/status", "");
        assertEquals("rw", status.path("mode").asText());
        assertEquals(64 << 20, status.path("dataBytes").asLong());
        assertEquals(1, status.path("listen").size());
        assertEquals(0, ok(200, "GET", "/v1/connections", "").size());
        String metrics = send("GET", "/metrics", "").body();
        assertTrue(metrics.contains("gossamer_pool_data_bytes 6.7108864E7"), metrics);
        assertTrue(metrics.contains("gossamer_pool_mode{mode=\"write\"} 1"), metrics);
        assertTrue(metrics.contains("gossamer_pool_data_lost 0"), metrics);
        assertTrue(metrics.contains("gossamer_loop_faults_total{loop=\"0\"} 0"), metrics);
        assertTrue(metrics.contains("gossamer_nbd_requests_total{operation=\"read\"} 0"), metrics);
    }

    @Test
    void metricsCountWhatEachThreadPutsOnTheHeap() throws IOException {
        for (String thread : new String[] {"gossamer-io-0", "gossamer-pool"}) {
            // A request for metrics costs the loop that reads it, and the worker that answers it, some objects.
            double first = allocatedBytes(thread);
            double second = allocatedBytes(thread);
            assertTrue(first > 0 && second > first, () -> thread + ": " + first + ", then " + second);
        }
    }

    private double allocatedBytes(String thread) throws IOException {
        String name = "gossamer_thread_allocated_bytes_total{thread=\"" + thread + "\"} ";
        return send("GET", "/metrics", "")
                .body()
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length())))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aSecondDaemonIsToldWhoHasThePool() {
        PoolInUse refused = assertThrows(PoolInUse.class, this::start);
        assertTrue(refused.getMessage().contains("in use"), refused.getMessage());
        assertTrue(
                refused.getMessage()
                        .contains("process " + ProcessHandle.current().pid()),
                refused.getMessage());
        assertTrue(Files.exists(pool.adminSocket()), "the first one's sockets stay");
    }

    @Test
    void volumesAreThereAfterARestart() throws IOException {
        ok(201, "POST", "/v1/volumes", "{\"name\":\"vol0\",\"sizeBytes\":1048576}");
        daemon.stop();
        daemon = null;
        daemon = start();
        assertEquals(
                "vol0", ok(200, "GET", "/v1/volumes", "").path(0).path("name").asText());
    }
}

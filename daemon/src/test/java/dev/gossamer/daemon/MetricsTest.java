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
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a scraper gets (OP-30 to OP-32), and what programs that repeat themselves get (OP-20, OP-21). */
@Timeout(60)
class MetricsTest {
    @TempDir
    private Path directory;

    private PoolDirectory pool;
    private Daemon daemon;

    @BeforeEach
    void serveANewPool() throws IOException {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        Files.writeString(
                pool.config(), "metrics: tcp:0\nvolume-metrics: top 2\nover-commit: 2\n", StandardOpenOption.APPEND);
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

    private JsonNode json(AdminClient.Answer answer) throws IOException {
        return new JsonMapper().readTree(answer.body());
    }

    /** The answer to these bytes over TCP, head and body. */
    private String overTcp(String request) throws IOException {
        InetSocketAddress address = daemon.metricsAddress().address();
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String get(String path) {
        return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
    }

    @Test
    void aPortAnswersMetricsAndHealthAndNothingElse() throws IOException {
        assertTrue(overTcp(get("/healthz")).startsWith("HTTP/1.1 200"), "healthy");
        String metrics = overTcp(get("/metrics"));
        assertTrue(metrics.startsWith("HTTP/1.1 200"), metrics);
        assertTrue(metrics.contains("gossamer_pool_data_bytes"), metrics);
        assertTrue(overTcp(get("/v1/status")).startsWith("HTTP/1.1 404"), "no API");
        assertTrue(
                overTcp("POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nxx").startsWith("HTTP/1.1 405"),
                "GET alone");
        assertTrue(overTcp("nonsense\r\n\r\n").startsWith("HTTP/1.1 400"), "no HTTP");
        assertEquals(200, send("GET", "/healthz", "").status());
    }

    @Test
    void moreScrapersThanTheLimitAreClosed() throws IOException {
        InetSocketAddress address = daemon.metricsAddress().address();
        List<Socket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 16; i++) {
                sockets.add(new Socket(address.getAddress(), address.getPort()));
            }
            try (Socket beyond = new Socket(address.getAddress(), address.getPort())) {
                assertEquals(-1, beyond.getInputStream().read());
            }
            sockets.getFirst().getOutputStream().write(get("/healthz").getBytes(StandardCharsets.ISO_8859_1));
            assertEquals('H', sockets.getFirst().getInputStream().read(), "those before are served");
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    @Test
    void familiesAreThereBeforeAnythingHappens() throws IOException {
        String metrics = send("GET", "/metrics", "").body();
        for (String line : new String[] {
            "gossamer_build_info{jdk=",
            "gossamer_pool_info{block_bytes=\"65536\",pool=\"" + pool + "\"} 1",
            "gossamer_nbd_request_duration_seconds_bucket{operation=\"read\",le=\"1.0E-4\"} 0",
            "gossamer_nbd_request_duration_seconds_bucket{operation=\"block_status\",le=\"+Inf\"} 0",
            "gossamer_nbd_errors_total{operation=\"flush\"} 0",
            "gossamer_pool_commit_duration_seconds_count",
            "gossamer_pool_snapshot_pause_seconds_count 0",
            "gossamer_pool_available_bytes 1.34217728E8",
            "gossamer_last_commit_timestamp_seconds",
            "process_resident_memory_bytes",
            "process_cpu_seconds_total",
            "process_start_time_seconds",
            "jvm_memory_used_bytes",
            "jvm_gc_collections_total"
        }) {
            assertTrue(metrics.contains("\n" + line), () -> line + " is missing in\n" + metrics);
        }
    }

    @Test
    void theLargestVolumesHaveSeriesAndSnapshotsHaveNone() throws IOException {
        for (String name : List.of("a", "b", "c")) {
            assertEquals(
                    201,
                    send("PUT", "/v1/volumes/" + name, "{\"sizeBytes\":1048576}")
                            .status());
        }
        assertEquals(
                201,
                send("POST", "/v1/volumes/a/snapshots", "{\"name\":\"snap\"}").status());
        String metrics = send("GET", "/metrics", "").body();
        String uuid = json(send("GET", "/v1/volumes/a", "")).path("uuid").asText();
        assertTrue(
                metrics.contains("gossamer_volume_size_bytes{uuid=\"" + uuid + "\",volume=\"a\"} 1048576.0"), metrics);
        assertTrue(metrics.contains("volume=\"b\""), metrics);
        assertFalse(metrics.contains("volume=\"c\""), "beyond top 2");
        assertFalse(metrics.contains("volume=\"snap\""), "a snapshot");
        assertTrue(metrics.contains("gossamer_volume_errors_total{operation=\"read\",uuid=\"" + uuid), metrics);
    }

    @Test
    void whatAVolumeMayDoInASecondHasASeriesIfThereIsALimit() throws IOException {
        for (String name : List.of("a", "b")) {
            send("PUT", "/v1/volumes/" + name, "{\"sizeBytes\":1048576}");
        }
        assertEquals(
                200,
                send("PATCH", "/v1/volumes/a/rates", "{\"readIops\":300,\"bandwidth\":1048576}")
                        .status());
        String metrics = send("GET", "/metrics", "").body();
        assertTrue(metrics.contains("gossamer_volume_rate_limit{kind=\"read_iops\""), metrics);
        assertTrue(metrics.contains("gossamer_volume_rate_limit{kind=\"bandwidth\""), metrics);
        assertEquals(
                2,
                metrics.lines()
                        .filter(line -> line.startsWith("gossamer_volume_rate_limit{"))
                        .count());
        assertEquals(
                1,
                metrics.lines()
                        .filter(line -> line.startsWith("gossamer_volume_rate_waits_total{"))
                        .count());
    }

    /** OP-20. */
    @Test
    void puttingAVolumeTwiceIsOneVolume() throws IOException {
        AdminClient.Answer made = send("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}");
        assertEquals(201, made.status(), made.body());
        AdminClient.Answer again = send("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}");
        assertEquals(200, again.status(), again.body());
        assertEquals(json(made).path("uuid"), json(again).path("uuid"));
        AdminClient.Answer other = send("PUT", "/v1/volumes/web", "{\"sizeBytes\":2097152}");
        assertEquals(409, other.status(), other.body());
        assertEquals("exists", json(other).path("kind").asText());
        assertEquals(400, send("PUT", "/v1/volumes/web", "{}").status());
        assertEquals(1, json(send("GET", "/v1/volumes", "")).size());
    }

    /** OP-20. */
    @Test
    void deletingByUuidTwiceIsDoneAndSparesASuccessor() throws IOException {
        String uuid = json(send("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}"))
                .path("uuid")
                .asText();
        assertEquals(200, send("GET", "/v1/uuids/" + uuid, "").status());
        assertEquals(204, send("DELETE", "/v1/uuids/" + uuid, "").status());
        assertEquals(
                201, send("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}").status());
        assertEquals(204, send("DELETE", "/v1/uuids/" + uuid, "").status());
        assertEquals(200, send("GET", "/v1/volumes/web", "").status());
        assertEquals(404, send("GET", "/v1/uuids/" + uuid, "").status());
        assertEquals(400, send("GET", "/v1/uuids/web", "").status());
    }

    /** OP-21. */
    @Test
    void capacityIsWhatMayStillBePromised() throws IOException {
        assertEquals(
                128 << 20,
                json(send("GET", "/v1/capacity", "")).path("availableBytes").asLong());
        send("PUT", "/v1/volumes/web", "{\"sizeBytes\":" + (100 << 20) + "}");
        JsonNode capacity = json(send("GET", "/v1/capacity", ""));
        assertEquals(28 << 20, capacity.path("availableBytes").asLong());
        assertEquals(28 << 20, capacity.path("maximumVolumeBytes").asLong());
        send("PUT", "/v1/volumes/more", "{\"sizeBytes\":" + (100 << 20) + "}");
        assertEquals(
                0, json(send("GET", "/v1/capacity", "")).path("availableBytes").asLong());
        String metrics = send("GET", "/metrics", "").body();
        assertTrue(metrics.contains("gossamer_pool_available_bytes 0.0"), metrics);
        assertTrue(metrics.contains("gossamer_pool_provisioned_bytes 2.097152E8"), metrics);
    }
}

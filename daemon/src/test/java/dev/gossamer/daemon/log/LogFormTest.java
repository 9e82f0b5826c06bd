package dev.gossamer.daemon.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code log} in pool.yaml, and what a daemon says then. */
class LogFormTest {
    @TempDir
    private Path directory;

    private PoolDirectory pool() throws StorageException {
        PoolDirectory pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        return pool;
    }

    @Test
    void theFormStandsInPoolYaml() throws IOException {
        PoolDirectory pool = pool();
        assertEquals(LogForm.TEXT, PoolConfig.read(pool.config()).service().log());
        String before = Files.readString(pool.config());
        Files.writeString(pool.config(), "log: json\n", StandardOpenOption.APPEND);
        assertEquals(LogForm.JSON, PoolConfig.read(pool.config()).service().log());
        Files.writeString(pool.config(), before + "log: xml\n");
        StorageException wrong = assertThrows(StorageException.class, () -> PoolConfig.read(pool.config()));
        assertTrue(wrong.getMessage().contains("'log' must be text or json"), wrong.getMessage());
    }

    /** Every line of a daemon's life, also of requests that it refuses. */
    @Test
    void everyLineIsAnObject() throws IOException {
        PoolDirectory pool = pool();
        PrintStream before = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        LogOutput.use(LogForm.JSON);
        try {
            Daemon daemon = Daemon.start(new DaemonConfig(
                    pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF));
            AdminClient client = new AdminClient(pool.adminSocket());
            client.send("POST", "/v1/volumes", "{\"name\":\"web\",\"sizeBytes\":1048576}");
            client.send("DELETE", "/v1/volumes/none", "");
            daemon.stop();
        } finally {
            LogOutput.use(LogForm.TEXT);
            System.setErr(before);
        }
        String request = "";
        List<String> lines = bytes.toString(StandardCharsets.UTF_8).lines().toList();
        assertTrue(lines.size() >= 5, lines::toString);
        for (String line : lines) {
            JsonNode node = new JsonMapper().readTree(line);
            assertTrue(node.hasNonNull("ts") && node.hasNonNull("msg"), line);
            request += node.path("event").asText().equals("admin")
                    ? node.path("status").asInt() + " "
                    : "";
        }
        assertEquals("201 404 ", request, lines::toString);
    }
}

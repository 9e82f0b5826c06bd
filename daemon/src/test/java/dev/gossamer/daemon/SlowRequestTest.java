package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.ServiceConfig;
import dev.gossamer.daemon.server.NbdTestClient;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.nbd.wire.NbdCommand;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Where a request's time has gone (OP-36), and what all requests together took (OP-30). */
@Timeout(60)
class SlowRequestTest {
    /** Every request takes longer. */
    private static final Duration AT_ONCE = Duration.ofNanos(1);

    @TempDir
    private Path directory;

    private PoolDirectory pool;

    private DaemonConfig config(Duration slow) throws Exception {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        PoolConfig config = PoolConfig.read(pool.config());
        ServiceConfig base = config.service();
        ServiceConfig service = new ServiceConfig(
                base.listen(), false, base.tls(), "", null, base.volumeMetrics(), slow, base.overCommit(), base.log());
        return new DaemonConfig(
                pool, config.withService(service), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF);
    }

    /** One write to a new block, a flush, a read, a trim. */
    private void useAVolume() throws Exception {
        assertEquals(
                201,
                new AdminClient(pool.adminSocket())
                        .send("PUT", "/v1/volumes/v", "{\"sizeBytes\":1048576}")
                        .status());
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "v")) {
            client.write(1, 0, new byte[4096]);
            assertEquals(0, client.reply(0).error());
            client.request(NbdCommand.FLUSH, 0, 2, 0, 0);
            assertEquals(0, client.reply(0).error());
            client.read(3, 0, 4096);
            assertEquals(0, client.reply(4096).error());
            client.request(NbdCommand.TRIM, 0, 4, 0, 65536);
            assertEquals(0, client.reply(0).error());
        }
    }

    @Test
    void aSlowRequestTellsItsStages() throws Exception {
        DaemonConfig config = config(AT_ONCE);
        Map<String, RecordedEvent> events = new HashMap<>();
        try (Recording recording = new Recording()) {
            recording.enable("dev.gossamer.SlowRequest");
            recording.start();
            Daemon daemon = Daemon.start(config);
            useAVolume();
            daemon.stop();
            recording.stop();
            Path file = directory.resolve("recording.jfr");
            recording.dump(file);
            for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
                events.put(event.getString("operation"), event);
            }
        }
        RecordedEvent write = events.get("write");
        assertEquals("v", write.getString("export"));
        assertEquals(4096, write.getLong("lengthBytes"));
        assertTrue(write.getLong("worker") > 0, () -> "a new block is the worker's: " + write);
        assertEquals(0, write.getLong("commit"));
        assertTrue(events.get("flush").getLong("commit") > 0, () -> "" + events.get("flush"));
        assertEquals(0, events.get("read").getLong("worker"));
        for (RecordedEvent event : events.values()) {
            long stages = event.getLong("order")
                    + event.getLong("worker")
                    + event.getLong("commit")
                    + event.getLong("turn")
                    + event.getLong("device");
            assertEquals(event.getLong("total"), stages, event::toString);
        }
    }

    @Test
    void everyRequestIsInTheHistogramAndInItsVolumesSeries() throws Exception {
        Daemon daemon = Daemon.start(config(Duration.ZERO));
        try {
            useAVolume();
            String metrics = new AdminClient(pool.adminSocket())
                    .send("GET", "/metrics", "")
                    .body();
            for (String operation : new String[] {"read", "write", "flush", "discard"}) {
                String count = "gossamer_nbd_request_duration_seconds_count{operation=\"" + operation + "\"} 1";
                assertTrue(metrics.contains("\n" + count + "\n"), metrics);
            }
            assertTrue(metrics.contains("gossamer_nbd_request_duration_seconds_count{operation=\"cache\"} 0"), metrics);
            assertTrue(metrics.contains("gossamer_nbd_discarded_bytes_total 65536.0"), metrics);
            assertTrue(metrics.matches("(?s).*gossamer_volume_read_bytes_total\\{[^}]*\\} 4096\\.0.*"), metrics);
            assertTrue(metrics.matches("(?s).*gossamer_volume_written_bytes_total\\{[^}]*\\} 4096\\.0.*"), metrics);
            assertTrue(metrics.matches("(?s).*gossamer_volume_discarded_bytes_total\\{[^}]*\\} 65536\\.0.*"), metrics);
        } finally {
            daemon.stop();
        }
    }
}

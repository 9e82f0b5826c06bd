package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Disks of this machine that do not answer are named by status, metrics and log, each as data, as metadata. */
@Timeout(180)
class StalledDiskTest {
    @TempDir
    private Path scratch;

    private static Path sparse(Path path) throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(32 << 20);
        }
        return path;
    }

    private static JsonNode await(Daemon daemon, boolean stalled) throws Exception {
        while (true) {
            JsonNode devices = new DaemonProbe(daemon).status().path("stalledDevices");
            if (devices.isEmpty() != stalled) {
                return devices;
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }

    @ParameterizedTest
    @Execution(ExecutionMode.CONCURRENT)
    @CsvSource({"data, ring", "metadata, ring", "data, threads", "metadata, threads"})
    void aFrozenFileSystemIsTold(String role, String engine) throws Exception {
        try (SmallFileSystem frozen = SmallFileSystem.make(scratch, 64)) {
            Path data = sparse((role.equals("data") ? frozen.directory() : scratch).resolve("data-disk"));
            Path metadata = sparse((role.equals("metadata") ? frozen.directory() : scratch).resolve("metadata-disk"));
            try (Daemon daemon = Daemon.create(scratch, "--data", data.toString(), "--metadata", metadata.toString())) {
                daemon.start("--engine", engine);
                daemon.createVolume("vol", "8M");
                assertTrue(
                        new DaemonProbe(daemon).status().path("stalledDevices").isArray());
                frozen.freeze();
                Process writer = new ProcessBuilder(
                                "qemu-io", "-f", "raw", "-c", "write -P 5 0 1M", "-c", "flush", daemon.uri("vol"))
                        .redirectErrorStream(true)
                        .redirectOutput(scratch.resolve("writer.log").toFile())
                        .start();
                String name =
                        frozen.directory().toRealPath().resolve(role + "-disk").toString();
                JsonNode devices = await(daemon, true);
                assertEquals(name, devices.get(0).path("name").asText(), devices::toString);
                assertTrue(devices.get(0).path("stalledSeconds").asLong() >= 5, devices::toString);
                String pool = daemon.directory().toString();
                String shown = Daemon.gossamer("status", "-p", pool).out();
                assertTrue(shown.contains(name + " has not answered for "), shown);
                Tool.Result check = Daemon.gossamer("status", "--check", "-p", pool);
                assertEquals(2, check.status(), check::toString);
                assertTrue(check.out().contains(name + " does not answer"), check::toString);
                double metric = new DaemonProbe(daemon).metric("gossamer_device_stalled_seconds", name);
                assertTrue(metric >= 5, () -> "metric says " + metric);
                assertTrue(writer.isAlive(), "the writer was answered, with what?");
                frozen.thaw();
                assertEquals(0, writer.waitFor(), "see writer.log");
                await(daemon, false);
                String log = daemon.logText();
                assertEquals(
                        1,
                        log.lines()
                                .filter(line -> line.contains(name + ": stalled"))
                                .count(),
                        log);
                assertEquals(
                        1,
                        log.lines()
                                .filter(line -> line.contains(name + ": no longer stalled"))
                                .count(),
                        log);
                assertFalse(log.contains("Exception"), log);
                Tool.succeed("qemu-io", "-f", "raw", "-c", "read -P 5 0 1M", daemon.uri("vol"));
                daemon.stop();
            }
        }
    }
}

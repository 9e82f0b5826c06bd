package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A pool whose data lie in a sparse file on a file system that gets full while the pool has free blocks: writes wait or
 * fail as for a full pool, one line tells, {@code status} says what to do, and room is enough to go on.
 */
@Timeout(240)
class FullHostTest {
    private static final int WRITES = 128;

    @TempDir
    private Path scratch;

    private static Path sparse(Path path, int mebibytes) throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength((long) mebibytes << 20);
        }
        return path;
    }

    private Daemon serve(SmallFileSystem host, String... options) throws Exception {
        Path data = sparse(host.directory().resolve("data-disk"), 256);
        Path metadata = sparse(scratch.resolve("metadata-disk"), 16);
        List<String> create = new ArrayList<>(List.of("--data", data.toString(), "--metadata", metadata.toString()));
        create.addAll(List.of(options));
        Daemon daemon = Daemon.create(scratch, create.toArray(String[]::new)).start();
        daemon.createVolume("vol", "200M");
        Tool.succeed("qemu-io", "-f", "raw", "-c", "write -P 3 0 4M", "-c", "flush", daemon.uri("vol"));
        return daemon;
    }

    private Process manyWrites(Daemon daemon) throws Exception {
        List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "raw"));
        for (int i = 0; i < WRITES; i++) {
            command.addAll(List.of("-c", "aio_write -P 7 " + (8 * 1024 + i * 64) + "k 64k"));
        }
        command.addAll(List.of("-c", "aio_flush", "-c", "flush", daemon.uri("vol")));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(scratch.resolve("writer").toFile())
                .start();
    }

    private static JsonNode awaitMode(Daemon daemon, String mode) throws Exception {
        while (true) {
            JsonNode status = new DaemonProbe(daemon).status();
            if (status.path("mode").asText().equals(mode)) {
                return status;
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    /** What it says while there is no room, and how often. */
    private static void checkTold(Daemon daemon, JsonNode status, String logBefore) throws Exception {
        String remedy = "is full; make room there";
        assertTrue(status.path("modeCause").asText().contains(remedy), status::toString);
        String shown =
                Daemon.gossamer("status", "-p", daemon.directory().toString()).out();
        assertTrue(shown.contains(remedy), shown);
        TimeUnit.SECONDS.sleep(3); // some writes are let through to see
        List<String> told = daemon.logText()
                .substring(logBefore.length())
                .lines()
                .filter(line -> !line.contains("export opened") && !line.contains("export closed"))
                .toList();
        assertEquals(1, told.stream().filter(line -> line.contains(remedy)).count(), told::toString);
        assertTrue(told.size() <= 5, told::toString);
    }

    @Test
    void writesWaitForRoomAndGoOnByThemselves() throws Exception {
        try (SmallFileSystem host = SmallFileSystem.make(scratch, 48);
                Daemon daemon = serve(host)) {
            host.fill();
            String before = daemon.logText();
            Process writer = manyWrites(daemon);
            JsonNode status = awaitMode(daemon, "out_of_data_space");
            checkTold(daemon, status, before);
            assertTrue(writer.isAlive(), "the writer must wait");
            Tool.succeed("qemu-io", "-r", "-f", "raw", "-c", "read -P 3 0 4M", daemon.uri("vol"));
            host.makeRoom();
            assertEquals(0, writer.waitFor(), "see writer");
            assertFalse(Files.readString(scratch.resolve("writer")).contains("failed"));
            awaitMode(daemon, "rw");
            Tool.succeed("qemu-io", "-f", "raw", "-c", "read -P 7 8M 8M", daemon.uri("vol"));
            daemon.stop();
            Daemon.thinCheck(scratch.resolve("metadata-disk"));
        }
    }

    @Test
    void writesFailIfThatIsWantedAndSucceedOnceThereIsRoom() throws Exception {
        try (SmallFileSystem host = SmallFileSystem.make(scratch, 48);
                Daemon daemon = serve(host)) {
            Daemon.gossamer("volume", "set", "-p", daemon.directory().toString(), "vol", "--on-full", "error")
                    .expectStatus(0);
            host.fill();
            String before = daemon.logText();
            Process writer = manyWrites(daemon);
            writer.waitFor();
            String told = Files.readString(scratch.resolve("writer"));
            assertTrue(told.contains("No space left on device"), told);
            checkTold(daemon, awaitMode(daemon, "out_of_data_space"), before);
            host.makeRoom();
            // Nobody writes: the pool itself finds out.
            awaitMode(daemon, "rw");
            Tool.succeed("qemu-io", "-f", "raw", "-c", "write -P 9 8M 8M", "-c", "flush", daemon.uri("vol"));
            Tool.succeed("qemu-io", "-f", "raw", "-c", "read -P 3 0 4M", "-c", "read -P 9 8M 8M", daemon.uri("vol"));
            daemon.stop();
            Daemon.thinCheck(scratch.resolve("metadata-disk"));
        }
    }
}

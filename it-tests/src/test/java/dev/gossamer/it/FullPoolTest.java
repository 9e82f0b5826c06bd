package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A served pool that is full, grows, limits its volumes, and is asked for all that (thin rules S-2, S-6, RS-2, ST-1,
 * MSG-2).
 */
final class FullPoolTest {
    @TempDir
    private Path scratch;

    @Test
    void aWriterThatWaitsForSpaceGoesOnWhenThePoolGrows() throws Exception {
        try (Daemon daemon = Daemon.create(scratch, "--size", "8M").start()) {
            daemon.createVolume("vol", "64M");
            Process writer = new ProcessBuilder(
                            "qemu-io", "-f", "raw", "-c", "write -P 7 0 16M", "-c", "flush", daemon.uri("vol"))
                    .redirectErrorStream(true)
                    .redirectOutput(scratch.resolve("writer").toFile())
                    .start();
            try {
                while (status(daemon).path("requestsWaitingForSpace").asInt() == 0) {
                    assertTrue(writer.isAlive(), "the writer must wait");
                    Thread.sleep(50);
                }
                assertEquals("out_of_data_space", status(daemon).path("mode").asText());
                gossamer(daemon, "pool", "grow", "--data", "32M");
                assertTrue(writer.waitFor(60, TimeUnit.SECONDS), "RS-2");
            } finally {
                writer.destroyForcibly();
            }
            assertFalse(Files.readString(scratch.resolve("writer")).contains("failed"), "RS-2");
            assertEquals("rw", status(daemon).path("mode").asText());
            assertEquals(32L << 20, status(daemon).path("dataBytes").asLong());
            assertEquals(32L << 20, Files.size(daemon.data()));
            Tool.succeed("qemu-io", "-f", "raw", "-c", "read -P 7 0 16M", daemon.uri("vol"));
            assertTrue(gossamer(daemon, "status", "--dm").out().contains(" queue_if_no_space - "));
            daemon.stopAndCheck();
        }
    }

    @Test
    void limitsSpaceAndMessagesWorkFromTheCommandLine() throws Exception {
        try (Daemon daemon =
                Daemon.create(scratch, "--size", "64M", "--auto-extend", "128M").start()) {
            daemon.createVolume("vol", "64M");
            gossamer(daemon, "volume", "set", "vol", "--limit", "1M", "--reserve", "512k", "--on-full", "error");
            assertTrue(Tool.run("qemu-io", "-f", "raw", "-c", "write 0 2M", daemon.uri("vol"))
                    .toString()
                    .contains("No space left"));
            JsonNode volume = new ObjectMapper()
                    .readTree(gossamer(daemon, "volume", "show", "vol", "--space", "--json")
                            .out());
            assertEquals(1 << 20, volume.path("limitBytes").asInt());
            assertEquals(1 << 20, volume.path("freedIfDeletedBytes").asInt());
            assertEquals("error", volume.path("onFull").asText());
            assertTrue(gossamer(daemon, "pool", "metadata-snapshot", "reserve")
                    .out()
                    .contains("at metadata block"));
            gossamer(daemon, "pool", "metadata-snapshot", "release");
            assertEquals(
                    "5",
                    gossamer(daemon, "pool", "transaction-id", "--set", "0", "5")
                            .out()
                            .strip());
            Tool.Result refused = Daemon.gossamer(
                    "pool", "transaction-id", "-p", daemon.directory().toString(), "--set", "0", "6");
            refused.expectRefused();
            assertTrue(refused.err().contains("the transaction id is 5"), refused.err());
            daemon.stopAndCheck();
        }
    }

    private static Tool.Result gossamer(Daemon daemon, String... arguments) throws Exception {
        String[] all = new String[arguments.length + 2];
        System.arraycopy(arguments, 0, all, 0, arguments.length);
        all[arguments.length] = "-p";
        all[arguments.length + 1] = daemon.directory().toString();
        return Daemon.gossamer(all).expectStatus(0);
    }

    private static JsonNode status(Daemon daemon) throws Exception {
        return new ObjectMapper().readTree(gossamer(daemon, "status", "--json").out());
    }
}

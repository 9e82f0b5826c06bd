package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.io.sim.Seeds;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job whose daemon is killed goes on with the next one (RL-9). */
final class JobsAfterKillTest {
    private static final int VOLUME_MIB = 96;

    @TempDir
    private Path scratch;

    /** Who has asked for a volume with blocks of its own has one, whatever came in between. */
    @Test
    void rl9ACloneThatWasToBeIndependentIsSoAfterTheDaemonWasKilled() throws Exception {
        try (Daemon daemon = Daemon.create(scratch, "--size", "256M").start()) {
            daemon.createVolume("golden", VOLUME_MIB + "M");
            byte[] piece = new byte[MIB];
            try (NbdConnection golden = NbdConnection.open(daemon.socket(), "golden")) {
                for (int i = 0; i < VOLUME_MIB; i++) {
                    Seeds.splittable(i).nextBytes(piece);
                    golden.writeNow((long) i * MIB, piece);
                }
            }
            gossamer("volume", "clone", "-p", daemon.directory().toString(), "golden", "copy")
                    .expectStatus(0);
            AdminClient.Answer answer = new AdminClient(daemon.directory().resolve("admin.sock"))
                    .send("POST", "/v1/volumes/copy/independent", "");
            daemon.kill();
            String id = new JsonMapper().readTree(answer.body()).path("id").asText();

            daemon.start();
            assertTrue(
                    daemon.logText().contains("job " + id + " goes on after the end of the daemon"), daemon.logText());
            JsonNode job = json(daemon, "job", "show", id);
            while (job.path("state").asText().equals("running")) {
                Thread.sleep(200);
                job = json(daemon, "job", "show", id);
            }
            assertEquals("done", job.path("state").asText(), job.toString());
            JsonNode space = json(daemon, "volume", "show", "copy", "--space");
            assertEquals((long) VOLUME_MIB * MIB, space.path("exclusiveBytes").asLong(), space.toString());
            try (NbdConnection copy = NbdConnection.open(daemon.socket(), "copy")) {
                for (int i = 0; i < VOLUME_MIB; i++) {
                    Seeds.splittable(i).nextBytes(piece);
                    assertArrayEquals(piece, copy.readNow((long) i * MIB, MIB), "MiB " + i);
                }
            }
            daemon.stopAndCheck();
        }
    }

    private static JsonNode json(Daemon daemon, String... command) throws Exception {
        String[] line = Stream.concat(
                        Arrays.stream(command),
                        Stream.of("--json", "-p", daemon.directory().toString()))
                .toArray(String[]::new);
        return new JsonMapper().readTree(gossamer(line).expectStatus(0).out());
    }
}

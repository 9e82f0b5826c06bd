package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code gossamer cow} on the command line: what it prints, and how it refuses. */
final class CowCommandTest {
    @TempDir
    private Path scratch;

    @Test
    void exportsAreListedAndMergeWaits() throws Exception {
        Path disk = scratch.resolve("disk.img");
        RandomImage.write(disk, 4, 5);
        try (Daemon daemon = Daemon.create(scratch).start()) {
            String pool = daemon.directory().toString();
            refused(2, "would be an origin", "cow", "create", "-p", pool, "disk", "--chunk-size", "8k");
            refused(8, "name its device", "cow", "create", "-p", pool, "disk@s");
            refused(8, "nothing.img", "cow", "create", "-p", pool, "disk", "--origin", scratch + "/nothing.img");
            gossamer("cow", "create", "-p", pool, "disk@s", "--origin", disk.toString())
                    .expectStatus(0);
            refused(1, "the origin itself", "cow", "create", "-p", pool, "disk@t", "--store", disk.toString());
            refused(8, "disk@none", "cow", "merge", "-p", pool, "disk@none");

            String exports = Tool.succeed("nbdinfo", "--list", daemon.uri("")).out();
            assertTrue(exports.contains("export=\"disk\"") && exports.contains("export=\"disk@s\""), exports);
            assertTrue(!exports.contains("cow.disk@s"), exports);
            String status =
                    gossamer("cow", "status", "-p", pool).expectStatus(0).out();
            assertTrue(status.contains("volume cow.disk@s") && status.contains("active"), status);

            Tool.Result merged = gossamer("cow", "merge", "-p", pool, "disk@s").expectStatus(0);
            assertEquals("merged disk@s", merged.out().strip());
            gossamer("cow", "delete", "-p", pool, "disk").expectStatus(0);
            daemon.stopAndCheck();
        }
    }

    private static void refused(int status, String reason, String... command) throws Exception {
        Tool.Result result = gossamer(command).expectStatus(status);
        assertTrue(result.err().contains(reason), result::toString);
        assertEquals(status == 2 ? 2 : 1, result.errorLines().size(), result::toString);
    }
}

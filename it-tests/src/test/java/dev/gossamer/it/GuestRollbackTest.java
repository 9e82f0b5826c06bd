package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real kernel's ext4 on a volume over an external origin, which is rolled back under the mounted file system: what
 * the snapshot held is there again, what was replaced is kept, and the origin is what it was.
 */
final class GuestRollbackTest {
    private static final int FILES = 12;

    @TempDir
    private Path scratch;

    @Test
    void ext4OverAnExternalOriginIsRolledBackWhileItIsMounted() throws Exception {
        Path golden = goldenImage();
        byte[] origin = Files.readAllBytes(golden);
        Path noise = scratch.resolve("noise");
        RandomImage.write(noise, 8, 31);
        try (Daemon daemon = Daemon.create(scratch).start("--listen", "tcp:127.0.0.1:0")) {
            String pool = daemon.directory().toString();
            gossamer("volume", "create", "-p", pool, "vm", "--size", "96M", "--origin", golden.toString())
                    .expectStatus(0);

            new Guest(scratch, "origin-rollback.sh")
                    .connectedTo(daemon)
                    .with("VOLUME", "vm")
                    .with("SNAPSHOT", "before")
                    .with("REPLACED", "replaced")
                    .with(scratch.resolve("golden.md5"))
                    .with(noise)
                    .on("guest: take the snapshot now", () -> daemon.createSnapshot("vm", "before"))
                    .on("guest: roll back now", () -> gossamer(
                                    "snapshot",
                                    "rollback",
                                    "-p",
                                    pool,
                                    "vm",
                                    "before",
                                    "--keep-as",
                                    "replaced",
                                    "--force")
                            .expectStatus(0))
                    .run();

            daemon.stopAndCheck();
        }
        assertArrayEquals(origin, Files.readAllBytes(golden), "the origin was written");
    }

    /** An image with an ext4 file system of 64 MiB, and the checksums of its files in {@code golden.md5}. */
    private Path goldenImage() throws Exception {
        Path root = scratch.resolve("root");
        Path folder = Files.createDirectories(root.resolve("golden"));
        SplittableRandom random = Seeds.splittable(32);
        for (int i = 0; i < FILES; i++) {
            byte[] bytes = new byte[random.nextInt(1, 1 << 20)];
            random.nextBytes(bytes);
            Files.write(folder.resolve(Integer.toString(i)), bytes);
        }
        Path image = scratch.resolve("golden.img");
        Tool.succeed("mkfs.ext4", "-q", "-d", root.toString(), image.toString(), "64M");
        Tool.Result sums = Tool.run(Tool.LIMIT, List.of("sh", "-c", "cd '" + root + "' && md5sum golden/*"));
        assertTrue(sums.expectStatus(0).out().lines().count() == FILES, sums::toString);
        Files.writeString(scratch.resolve("golden.md5"), sums.out());
        return image;
    }
}

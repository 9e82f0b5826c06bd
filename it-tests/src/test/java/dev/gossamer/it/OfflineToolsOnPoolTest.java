package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cli.GossamerCommand;
import dev.gossamer.thin.offline.MetadataImage;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The offline tools on a pool directory, while a daemon serves it and after; and called by their peers' names. */
final class OfflineToolsOnPoolTest {
    private static final int IN_USE = 5;

    @TempDir
    private Path scratch;

    @Test
    void aServedPoolIsCheckedWhileItRunsAndTheOthersWait() throws Exception {
        try (Daemon daemon = Daemon.create(scratch, "--size", "64M").start()) {
            daemon.createVolume("vol", "16M");
            String pool = daemon.directory().toString();

            Tool.Result check = gossamer("check", pool).expectStatus(0);
            assertTrue(check.err().contains("is being served"), check::toString);
            // Its metadata snapshot has been given back: there is room for another.
            gossamer("pool", "metadata-snapshot", "reserve", "-p", pool).expectStatus(0);
            gossamer("check", pool).expectStatus(0);
            gossamer("check", "-m", pool).expectStatus(0);
            gossamer("dump", "-m", pool).expectStatus(0);
            assertTrue(listed("ls", "-m", pool).contains("vol"), "names of a pool that is served");
            gossamer("pool", "metadata-snapshot", "release", "-p", pool).expectStatus(0);

            Path xml = scratch.resolve("pool.xml");
            gossamer("dump", pool, "-o", xml.toString()).expectStatus(IN_USE);
            assertFalse(Files.exists(xml));
            gossamer("check", "--fix", "leaks", pool).expectStatus(IN_USE);
            daemon.stopAndCheck();

            Tool.Result sound = gossamer("check", pool).expectStatus(0);
            assertTrue(sound.err().contains(" is sound"), sound::toString);
            gossamer("dump", pool, "-o", xml.toString()).expectStatus(0);
            String metadata = daemon.metadata().toString();
            String data = daemon.data().toString();
            assertTrue(listed("ls", pool).contains("vol"));
            assertTrue(listed("ls", "--data", data, "-o", "NAME,DEV", metadata).contains("vol"));
            assertTrue(listed("ls", "--json", pool).contains("\"vol\""));
            assertFalse(listed("ls", "--compat", "1", pool).contains("vol"), "the peers know of no names");
            gossamer("ls", "-o", "NAME", metadata).expectStatus(1);
            gossamer("ls", "--compat", "1", "-o", "NAME", pool).expectStatus(2);
            assertEquals(Tool.succeed("thin_dump", daemon.metadata().toString()).out(), flat(pool));

            gossamer("generate", "--damage", "17", "-o", metadata).expectStatus(0);
            Tool.Result damaged = gossamer("check", pool).expectStatus(4);
            assertTrue(damaged.err().contains("device 0 (vol) is said to have"), damaged::toString);
            String json = gossamer("check", "--json", pool).expectStatus(4).out();
            assertTrue(json.contains("device 0 (vol)") && json.contains("\"name\" : \"vol\""), json);
        }
    }

    private static String listed(String... command) throws Exception {
        Tool.Result result = gossamer(command).expectStatus(0);
        assertEquals(List.of(), result.errorLines());
        return result.out();
    }

    private static String flat(String pool) throws Exception {
        return gossamer("dump", "--compat", "0.9", pool).expectStatus(0).out();
    }

    /** As LVM calls them: by the names and with the exit codes that it knows. */
    @Test
    void linksAreTheToolsThatTheyAreNamedAfter() throws Exception {
        Fixture fixture = new Fixture(Path.of(System.getProperty("gossamer.fixtures"), "08-killed"));
        Path metadata = fixture.unpackMetadata(scratch.resolve("meta"));
        Path links = Path.of(System.getProperty("gossamer.home"), "share", "thin-tools");
        String check = links.resolve("thin_check").toString();

        Tool.succeed(check, "-q", "--clear-needs-check-flag", metadata.toString());
        assertEquals(
                Tool.succeed("thin_check", metadata.toString())
                        .out()
                        .lines()
                        .toList()
                        .getFirst(),
                Tool.succeed(check, metadata.toString()).out().lines().toList().getFirst());
        Path restored = scratch.resolve("restored");
        try (RandomAccessFile file = new RandomAccessFile(restored.toFile(), "rw")) {
            file.setLength(4 << 20);
        }
        Path xml = scratch.resolve("pool.xml");
        Files.writeString(
                xml,
                Tool.succeed(links.resolve("thin_dump").toString(), metadata.toString())
                        .out());
        Tool.succeed(links.resolve("thin_restore").toString(), "-i", xml.toString(), "-o", restored.toString());
        Tool.succeed("thin_check", "-q", restored.toString());
        // LVM's options for a repair are an empty word.
        Path repaired = Files.write(scratch.resolve("repaired"), new byte[4 << 20]);
        String repair = links.resolve("thin_repair").toString();
        Tool.succeed(repair, "", "-i", restored.toString(), "-o", repaired.toString());
        Tool.succeed("thin_check", "-q", repaired.toString());

        MetadataImage image = new MetadataImage(restored);
        image.flip(image.leafOf(2), 100);
        image.write(restored);
        assertEquals(1, Tool.run(check, "-q", restored.toString()).status());
        assertEquals(2, Tool.run(check, "--no-such-option", restored.toString()).status());
        List<String> errors =
                Tool.run(check, scratch.resolve("none").toString()).errorLines();
        assertTrue(errors.size() == 1 && errors.getFirst().startsWith("thin_check: "), errors::toString);
    }

    /** What LVM runs at each activation (AT-9): it refuses the pool at any other exit code than 0. */
    @Test
    void aPoolWithLeaksOrHintsIsActivated() throws Exception {
        Fixture fixture = new Fixture(Path.of(System.getProperty("gossamer.fixtures"), "08-killed"));
        Path metadata = fixture.unpackMetadata(scratch.resolve("meta"));
        byte[] sound = Files.readAllBytes(metadata);
        String check = Path.of(System.getProperty("gossamer.home"), "share", "thin-tools", "thin_check")
                .toString();
        for (String damage : List.of("22-allocated-blocks", "14-data-count-0-to-1", "16-metadata-count-0-to-1")) {
            Files.write(metadata, sound);
            assertEquals(0, GossamerCommand.run("generate", "-q", "--damage", damage, "-o", metadata.toString()));
            boolean hint = damage.startsWith("22");
            assertEquals(
                    hint ? 0 : 1, Tool.run(check, "-q", metadata.toString()).status(), damage);
            Tool.succeed(check, "-q", "--clear-needs-check-flag", metadata.toString());
            assertEquals(0, GossamerCommand.run("check", "-q", metadata.toString()), damage);
        }
    }

    /** A full disk behind standard output is an error, a reader that has enough is none. */
    @Test
    void aResultThatCannotBePrintedIsNoSuccess() throws Exception {
        Fixture fixture = new Fixture(Path.of(System.getProperty("gossamer.fixtures"), "08-killed"));
        String metadata = fixture.unpackMetadata(scratch.resolve("meta")).toString();
        for (String tool : List.of("dump", "ls", "rmap --region 0..9999")) {
            Tool.Result full = shell(tool, metadata, "> /dev/full");
            assertEquals(1, full.status(), full::toString);
            List<String> errors = full.errorLines();
            assertTrue(
                    errors.size() == 1 && errors.getFirst().contains("standard output: No space left"), full::toString);
            assertEquals(1, shell(tool, metadata, ">&-").status());
            shell(tool, metadata, "| head -1").expectStatus(0);
        }
    }

    /** The number of a closed stream must not become that of the device, where a message would be written to. */
    @Test
    void closedStreamsDoNotBecomeTheDevice() throws Exception {
        Path metadata = scratch.resolve("new");
        for (String closed : List.of("2>&-", ">&- 2>&-", "<&- >&- 2>&-")) {
            Files.deleteIfExists(metadata);
            shell("generate --file-size 4 --devices 1 --mappings 500 -o", metadata.toString(), closed)
                    .expectStatus(0);
            Tool.succeed("thin_check", "-q", metadata.toString());
        }
    }

    /** Fails if the first program of a pipe fails, too. */
    private static Tool.Result shell(String tool, String metadata, String rest) throws Exception {
        String program =
                Path.of(System.getProperty("gossamer.home"), "bin", "gossamer").toString();
        String line = String.join(" ", program, tool, metadata, rest);
        return Tool.run("bash", "-o", "pipefail", "-c", line);
    }
}

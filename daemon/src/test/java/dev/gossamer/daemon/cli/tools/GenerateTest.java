package dev.gossamer.daemon.cli.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Damage that is made on purpose is the damage that was asked for, judged by thin_check and by ours. */
final class GenerateTest {
    @TempDir
    private Path scratch;

    private Path metadata;

    @BeforeEach
    void make() {
        metadata = scratch.resolve("metadata");
        assertEquals(
                0,
                generate("--file-size 4 --devices 2 --mappings 3000 --snapshots 1")
                        .exitCode());
    }

    private ToolRun generate(String options) {
        return ToolRun.gossamer(("generate -o " + metadata + " " + options).split(" "));
    }

    private ToolRun check() {
        return ToolRun.gossamer("check", "--json", metadata.toString());
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 5, 3", "0, 7, 2, 3", "1, 2, 3, 3", "1, 3, 1, 3", "2, 1, 1, 4", "1, 0, 4, 4"})
    void countsAreAsWrongAsWasAskedFor(long expected, long actual, int blocks, int exitCode) throws Exception {
        ToolRun made = generate(
                "--create-metadata-leaks --expected %d --actual %d --nr-blocks %d".formatted(expected, actual, blocks));
        assertEquals(0, made.exitCode(), made.err());
        assertEquals(1, ToolRun.peer("thin_check", "-q", metadata.toString()).exitCode());
        ToolRun check = check();
        assertEquals(exitCode, check.exitCode(), check.out());
        ToolRun lines = ToolRun.gossamer("check", "--all", metadata.toString());
        long wrong = lines.err()
                .lines()
                .filter(line -> line.contains("metadata block") && line.contains("count"))
                .count();
        assertEquals(blocks, wrong, lines.err());
    }

    @Test
    void tooFewBlocksOfThatCountChangeNothing() throws Exception {
        byte[] before = Files.readAllBytes(metadata);
        ToolRun made = generate("--create-metadata-leaks --expected 77 --actual 1 --nr-blocks 1");
        assertEquals(1, made.exitCode());
        assertTrue(made.err().contains("with a count of 77"), made.err());
        assertEquals(
                2, generate("--create-metadata-leaks --expected 0 --actual 1").exitCode());
        assertEquals(2, generate("--override --format").exitCode());
        assertArrayEquals(before, Files.readAllBytes(metadata));
    }

    @Test
    void theSuperblockLeadsWhereItWasTold() throws Exception {
        String before = ToolRun.peer("thin_dump", metadata.toString()).out();
        assertEquals(0, generate("--override --mapping-root 3").exitCode());
        assertNotEquals(before, ToolRun.peer("thin_dump", metadata.toString()).out());
        assertEquals(4, check().exitCode());
        assertEquals(0, generate("--override --metadata-snapshot 2").exitCode());
        ToolRun held = ToolRun.gossamer("ls", "-m", metadata.toString());
        assertEquals(4, held.exitCode());
        assertTrue(held.err().contains("metadata block 2"), held.err());
    }

    @Test
    void damageIsAsInTheCaseThatWasNamed() throws Exception {
        byte[] before = Files.readAllBytes(metadata);
        ToolRun list = generate("--damage list");
        assertTrue(list.out().lines().count() > 30, list.out());
        assertTrue(list.out().contains("4-leaf-checksum\n"), list.out());
        for (String wrong :
                new String[] {"--damage 99", "--damage 2", "--damage 4 --format", "--damage 4 --override"}) {
            assertEquals(2, generate(wrong).exitCode(), wrong);
        }
        ToolRun noSnapshot = generate("--damage 21-held-root-is-junk");
        assertEquals(1, noSnapshot.exitCode());
        assertTrue(noSnapshot.err().contains("it has no metadata snapshot"), noSnapshot.err());
        assertArrayEquals(before, Files.readAllBytes(metadata));

        assertEquals(0, generate("--damage 4").exitCode());
        assertEquals(4, check().exitCode());
        byte[] damaged = Files.readAllBytes(metadata);
        ToolRun twice = generate("--damage 13");
        assertEquals(1, twice.exitCode());
        assertTrue(twice.err().contains("is damaged already"), twice.err());
        assertArrayEquals(damaged, Files.readAllBytes(metadata));
    }

    @Test
    void aFileIsCut() throws Exception {
        assertEquals(0, generate("--damage 3").exitCode());
        assertEquals(40 * 4096, Files.size(metadata));
        assertEquals(4, check().exitCode());
    }

    @Test
    void aNewPoolMayWantACheck() throws Exception {
        assertEquals(0, generate("--force --format --set-needs-check").exitCode());
        assertTrue(ToolRun.peer("thin_dump", metadata.toString()).out().contains("flags=\"1\""));
        assertEquals(
                0,
                ToolRun.gossamer("check", "-q", "--clear-needs-check-flag", metadata.toString())
                        .exitCode());
        assertTrue(ToolRun.peer("thin_dump", metadata.toString()).out().contains("flags=\"0\""));
        assertEquals(0, generate("--force --format --set-needs-check=false").exitCode());
        assertTrue(ToolRun.peer("thin_dump", metadata.toString()).out().contains("flags=\"0\""));
    }
}

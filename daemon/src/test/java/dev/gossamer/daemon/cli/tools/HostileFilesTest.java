package dev.gossamer.daemon.cli.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What is not what it should be: one line that names it and the way out, an exit code, and nothing is written. */
final class HostileFilesTest {
    private static final int BLOCK = 4096;
    private static final String POOL = "<superblock uuid=\"\" time=\"%s\" transaction=\"1\" version=\"2\""
            + " data_block_size=\"%s\" nr_data_blocks=\"%s\">%s</superblock>";

    @TempDir
    private Path scratch;

    private Path metadata;

    @BeforeEach
    void unpack() throws IOException {
        metadata = ToolRun.unpack("08-killed", "meta.img", scratch);
    }

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(scratch.resolve(name), bytes);
    }

    private ToolRun run(String words, Object... values) {
        List<String> command = new ArrayList<>();
        int next = 0;
        for (String word : words.split(" ", -1)) {
            command.add(word.equals("%") ? values[next++].toString() : word);
        }
        return ToolRun.gossamer(command.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "check -q %",
                "dump -o OUT %",
                "ls %",
                "rmap --region 0..9 %",
                "delta --thin1 1 --thin2 2 %",
                "metadata-size %",
                "extract --thin 1 --data % -o OUT %",
                "shrink --plan --nr-blocks 10 -i %",
                "pack -o OUT -i %",
                "repair --list -i %",
                "repair -i % -o OUT",
                "trim --dry-run --metadata-dev % --data-dev %"
            })
    void whatIsNoPoolIsNamedInOneLine(String tool) throws Exception {
        byte[] random = new byte[16 * BLOCK];
        Seeds.random(7).nextBytes(random);
        byte[] good = Files.readAllBytes(metadata);
        List<Path> files = List.of(
                file("empty", new byte[0]),
                file("tiny", Arrays.copyOf(good, 512)),
                file("zero", new byte[16 * BLOCK]),
                file("random", random),
                file("xml", Arrays.copyOf("<superblock uuid=\"\"".getBytes(StandardCharsets.US_ASCII), 4 * BLOCK)),
                Files.createDirectory(scratch.resolve("folder")),
                scratch.resolve("absent"));
        for (Path file : files) {
            byte[] before = Files.isRegularFile(file) ? Files.readAllBytes(file) : null;
            Path out = scratch.resolve("out");
            ToolRun run = run(tool.replace("OUT", out.toString()), file, file);
            boolean isFile = Files.isRegularFile(file);
            assertEquals(isFile ? ToolExit.NO_POOL : ToolExit.FAILED, run.exitCode(), tool + " " + run.err());
            assertEquals(1, run.err().lines().count(), run.err());
            assertTrue(run.err().contains(file.toString()), run.err());
            assertEquals("", run.out());
            assertFalse(Files.exists(out), "made for nothing");
            if (isFile) {
                assertArrayEquals(before, Files.readAllBytes(file));
            }
        }
    }

    @Test
    void damageIsSaidWithTheFileAndWhatTellsMore() throws Exception {
        Path cut = file("cut", Arrays.copyOf(Files.readAllBytes(metadata), 40 * BLOCK));
        for (String tool : List.of("dump", "ls", "rmap --region 0..9", "delta --thin1 1 --thin2 2", "metadata-size")) {
            ToolRun run =
                    run(tool + " -o OUT %".replace("-o OUT", tool.equals("dump") ? "-o " + cut + "2" : "-q"), cut);
            assertEquals(ToolExit.DAMAGE, run.exitCode(), run.err());
            assertEquals(1, run.err().lines().count(), run.err());
            assertTrue(run.err().contains(cut + ": metadata block"), run.err());
            assertTrue(run.err().contains("gossamer check " + cut), run.err());
        }
    }

    @Test
    void noToolOverwritesItsInput() throws Exception {
        byte[] before = Files.readAllBytes(metadata);
        Path hard = Files.createLink(scratch.resolve("hard"), metadata);
        Path soft = Files.createSymbolicLink(scratch.resolve("soft"), metadata);
        for (Path same : List.of(metadata, hard, soft)) {
            for (String tool : List.of(
                    "dump -o % %",
                    "dump -f csv --partial -o % %",
                    "pack -f -o % -i %",
                    "repair --list --report % -i %",
                    "repair -i % -o %",
                    "restore --force -i % -o %",
                    "extract --thin 1 --data x -o % %",
                    "shrink --force --no-copy --nr-blocks 100000 -o % -i %",
                    "unpack -f -o % -i %")) {
                assertNotEquals(0, run(tool, same, metadata).exitCode(), tool);
                assertArrayEquals(before, Files.readAllBytes(metadata), tool);
            }
        }
    }

    @Test
    void noToolOverwritesADeviceOfThePoolDirectoryThatItReads() throws Exception {
        Path folder = Files.createDirectory(scratch.resolve("pool"));
        Path inside = Files.copy(metadata, folder.resolve("metadata.img"));
        Path data = Files.write(folder.resolve("data.img"), new byte[1 << 16]);
        Files.writeString(folder.resolve("pool.yaml"), "metadata: metadata.img\ndata: data.img\n");
        byte[] before = Files.readAllBytes(inside);
        for (Path file : List.of(inside, data)) {
            ToolRun run = run("dump -o % %", file, folder);
            assertEquals(ToolExit.FAILED, run.exitCode(), run.err());
            assertTrue(run.err().contains("is the input itself"), run.err());
        }
        assertArrayEquals(before, Files.readAllBytes(inside));
        assertEquals(1 << 16, Files.size(data));
    }

    /** A daemon, say, has the file open: making it shorter first and asking then would be the end of its pool. */
    @Test
    void whatIsInUseIsNotOverwrittenByAnyForce() throws Exception {
        Path pack = scratch.resolve("pack");
        assertEquals(0, run("pack -i % -o %", metadata, pack).exitCode());
        Path xml = scratch.resolve("xml");
        assertEquals(0, run("dump -o % %", xml, metadata).exitCode());
        byte[] before = Files.readAllBytes(metadata);
        try (ToolInput user = ToolInput.open(metadata.toString(), ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            for (String tool : List.of(
                    "unpack --force -i % -o %", "restore --force -i % -o %", "generate --force --format % -o %")) {
                boolean generates = tool.startsWith("generate");
                ToolRun run = run(tool, generates ? "-q" : tool.startsWith("unpack") ? pack : xml, metadata);
                assertEquals(ToolExit.IN_USE, run.exitCode(), tool + run.err());
                assertEquals(1, run.err().lines().count(), run.err());
                assertArrayEquals(before, Files.readAllBytes(metadata), tool + " of " + user);
            }
        }
    }

    @Test
    void anUnpackingThatFailsLeavesWhatWasThere() throws Exception {
        Path pack = scratch.resolve("pack");
        assertEquals(0, run("pack -i % -o %", metadata, pack).exitCode());
        byte[] whole = Files.readAllBytes(pack);
        Path cut = file("cut", Arrays.copyOf(whole, whole.length - 9));
        byte[] before = Files.readAllBytes(metadata);
        assertEquals(ToolExit.FAILED, run("unpack -f -i % -o %", cut, metadata).exitCode());
        assertArrayEquals(before, Files.readAllBytes(metadata));
        Path folder = Files.createDirectory(scratch.resolve("folder"));
        assertEquals(ToolExit.FAILED, run("unpack -f -i % -o %", pack, folder).exitCode());
    }

    @Test
    void aDumpThatFailsLeavesTheOldOne() throws Exception {
        Path old = Files.writeString(scratch.resolve("pool.xml"), "old");
        Path cut = file("cut", Arrays.copyOf(Files.readAllBytes(metadata), 40 * BLOCK));
        assertEquals(ToolExit.DAMAGE, run("dump -o % %", old, cut).exitCode());
        assertEquals("old", Files.readString(old));
        assertEquals(0, run("dump -o % %", old, metadata).exitCode());
        assertTrue(Files.readString(old).startsWith("<superblock"));
        try (Stream<Path> files = Files.list(scratch)) {
            assertEquals(
                    List.of("08-killed-meta.img", "cut", "pool.xml"),
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 100, 1, data blocks of 0 sectors",
        "0, 4294967424, 100, 1, data blocks of 4294967424 sectors",
        "0, 128, 18446744073709551615, 1, there can be 2^40",
        "16777216, 128, 100, 1, below 2^24"
    })
    void whatCannotBeAPoolChangesNothing(String time, String sectors, String blocks, String id, String reason)
            throws Exception {
        String device = "<device dev_id=\"" + id
                + "\" mapped_blocks=\"0\" transaction=\"0\" creation_time=\"0\" snap_time=\"0\"></device>";
        refused(POOL.formatted(time, sectors, blocks, device), reason);
        refused("PK\3\4", "no XML of a pool");
        refused("<!DOCTYPE a [<!ENTITY b \"c\"><!ENTITY d \"&b;&b;\">]>" + POOL, "no XML of a pool");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<device dev_id=\"16777216\" mapped_blocks=\"0\" transaction=\"0\" creation_time=\"0\""
                        + " snap_time=\"0\"/>",
                "<device dev_id=\"1\" mapped_blocks=\"0\" transaction=\"0\" creation_time=\"4294967296\""
                        + " snap_time=\"0\"/>",
                "<def name=\"a\"><single_mapping origin_block=\"0\" data_block=\"0\" time=\"16777216\"/></def>",
                "<def name=\"a\"><range_mapping origin_begin=\"0\" data_begin=\"99\" length=\"2\" time=\"0\"/></def>"
            })
    void whatComesLaterIsLookedAtWhileThereIsAPoolToLose(String element) throws Exception {
        Path input = Files.writeString(scratch.resolve("input"), POOL.formatted(0, 128, 100, element));
        byte[] before = Files.readAllBytes(metadata);
        ToolRun run = run("restore --force -i % -o %", input, metadata);
        assertEquals(ToolExit.FAILED, run.exitCode(), run.err());
        assertTrue(run.err().contains(input + ": line 1"), run.err());
        assertArrayEquals(before, Files.readAllBytes(metadata));
    }

    @Test
    void aNumberOfVolumesThatNobodyHasIsNoSum() {
        ToolRun run = run("metadata-size -b64k -s1t -m9223372036854775807");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals("33292800 sectors", run.out().strip());
    }

    private void refused(String xml, String reason) throws Exception {
        Path input = Files.writeString(scratch.resolve("input"), xml);
        Path free = file("free", "something else".repeat(1000).getBytes(StandardCharsets.US_ASCII));
        byte[] beforeFree = Arrays.copyOf(Files.readAllBytes(free), 4 * BLOCK);
        Files.write(free, beforeFree);
        byte[] before = Files.readAllBytes(metadata);
        for (ToolRun run : List.of(
                run("restore -i % -o %", input, free),
                run("restore --force -i % -o %", input, metadata),
                run("restore --size-only -i %", input))) {
            assertEquals(ToolExit.FAILED, run.exitCode(), run.err());
            assertEquals(1, run.err().lines().count(), run.err());
            assertTrue(run.err().contains(input + ": line 1") && run.err().contains(reason), run.err());
        }
        assertArrayEquals(beforeFree, Files.readAllBytes(free));
        assertArrayEquals(before, Files.readAllBytes(metadata));
    }

    @Test
    void whatWasMadeForNothingIsGoneAgain() throws Exception {
        Path made = scratch.resolve("made");
        ToolRun run = run("generate -o % --file-size 1 --devices 1 --mappings 1000000", made);
        assertEquals(ToolExit.FAILED, run.exitCode(), run.err());
        assertFalse(Files.exists(made));
        assertEquals(
                2, run("generate -o % --format --file-size 9999999999999", made).exitCode());
        assertFalse(Files.exists(made));
    }

    /** What does not fit is known before the pool that is there is lost. */
    @Test
    void aDeviceThatIsTooSmallKeepsItsPool() throws Exception {
        Path xml = scratch.resolve("xml");
        assertEquals(0, run("dump -o % %", xml, metadata).exitCode());
        Path small = scratch.resolve("small");
        assertEquals(
                0,
                run("generate --format --nr-data-blocks 9 --file-size 0 -q -o %", smallFile(small))
                        .exitCode());
        byte[] before = Files.readAllBytes(small);
        for (String tool : List.of(
                "restore --force -i XML -o %",
                "repair --force --yes -i META -o %", "shrink --force --no-copy --nr-blocks 16000 -i META -o %")) {
            ToolRun run = run(tool.replace("XML", xml.toString()).replace("META", metadata.toString()), small);
            assertEquals(ToolExit.FAILED, run.exitCode(), tool + run.err());
            assertTrue(run.err().contains("are certain to be enough"), run.err());
            assertArrayEquals(before, Files.readAllBytes(small), tool);
        }
    }

    private static Path smallFile(Path file) throws IOException {
        return Files.write(file, new byte[16 * BLOCK]);
    }

    /** Names of files, volumes and logical volumes may be anybody's; a terminal obeys some of what can be in them. */
    @Test
    void noLineTellsATerminalAnything() throws Exception {
        Path odd = file("odd\u001b[2J\u009b31m\u202e\nname", Files.readAllBytes(metadata));
        Path absent = scratch.resolve("absent\u001b]0;title\u0007");
        for (ToolRun run :
                List.of(run("check %", odd), run("ls --json %", absent), run("repair -i % -o %", absent, odd))) {
            assertTrue(
                    run.err().lines().allMatch(line -> line.codePoints().noneMatch(HostileFilesTest::isObeyed)),
                    run.err());
        }
        assertTrue(run("check %", odd).err().contains("odd?[2J?31m??name is sound"));
    }

    private static boolean isObeyed(int point) {
        int type = Character.getType(point);
        return type == Character.CONTROL || type == Character.FORMAT;
    }

    @Test
    void extractWantsToKnowWhereTheDataAre() {
        ToolRun run = run("extract --thin 1 -o % %", scratch.resolve("out"), metadata);
        assertEquals(2, run.exitCode(), run.err());
        assertTrue(run.err().contains("--data is missing"), run.err());
        assertFalse(Files.exists(scratch.resolve("out")));
    }

    @Test
    void aLackOfMemoryIsOneLine() {
        ToolRun run = ToolRun.of(new CommandLine(new Hungry()));
        assertEquals(ToolExit.FAILED, run.exitCode());
        assertEquals(1, run.err().lines().count(), run.err());
        assertTrue(run.err().contains("-Xmx"), run.err());
    }

    /** Takes all there is. */
    static final class Hungry extends OfflineTool {
        @Override
        int run() {
            throw new OutOfMemoryError("all there is");
        }
    }
}

package dev.gossamer.daemon.cli.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The tools that touch a pool's data: extract, trim, shrink; by what a kernel read from the fixtures' devices. */
final class DataToolsTest {
    private static final Pattern DATA_BLOCKS = Pattern.compile("nr_data_blocks=\"(\\d+)\"");
    private static final Pattern BLOCK_SECTORS = Pattern.compile("data_block_size=\"(\\d+)\"");

    @TempDir
    private Path scratch;

    /** A fixture with data, in files of its own. */
    private final class Pool {
        final Path metadata;
        final Path data;
        final JsonNode sums;

        Pool(String fixture) throws IOException {
            Path folder = Files.createDirectories(scratch.resolve(fixture + "-" + System.nanoTime()));
            metadata = ToolRun.unpack(fixture, "meta.img", folder);
            data = ToolRun.unpack(fixture, "data.img", folder);
            Path expected = Path.of(System.getProperty("gossamer.fixtures"), fixture, "expected.json");
            sums = new ObjectMapper().readTree(expected.toFile()).path("kernel_md5");
        }

        /** Sums of all devices whose sums are known, as these metadata have them. */
        Map<String, String> extracted(Path from) throws Exception {
            Map<String, String> found = new TreeMap<>();
            for (Map.Entry<String, JsonNode> device : sums.properties()) {
                Path file = scratch.resolve("extracted");
                Files.deleteIfExists(file);
                ToolRun extract = ToolRun.gossamer(
                        "extract",
                        "--thin",
                        device.getKey(),
                        "--size",
                        device.getValue().path("sectors").asText(),
                        "--data",
                        data.toString(),
                        "-o",
                        file.toString(),
                        from.toString());
                assertEquals(0, extract.exitCode(), extract.err());
                byte[] md5 = MessageDigest.getInstance("MD5").digest(Files.readAllBytes(file));
                found.put(device.getKey(), HexFormat.of().formatHex(md5));
            }
            return found;
        }

        Map<String, String> expected() {
            Map<String, String> all = new TreeMap<>();
            sums.properties()
                    .forEach(device -> all.put(
                            device.getKey(), device.getValue().path("md5").asText()));
            return all;
        }
    }

    private interface Check {
        void run(Pool pool) throws Exception;
    }

    private Stream<DynamicTest> on(Check check, String... fixtures) {
        return Stream.of(fixtures).map(name -> DynamicTest.dynamicTest(name, () -> check.run(new Pool(name))));
    }

    private static String dump(Path metadata) throws Exception {
        ToolRun dump = ToolRun.peer("thin_dump", metadata.toString());
        assertEquals(0, dump.exitCode());
        return dump.out();
    }

    private static long number(Pattern pattern, String text) {
        Matcher found = pattern.matcher(text);
        assertTrue(found.find());
        return Long.parseLong(found.group(1));
    }

    /** Data blocks that the XML maps. */
    private static boolean[] mapped(String xml) {
        boolean[] mapped = new boolean[(int) number(DATA_BLOCKS, xml)];
        Matcher found = Pattern.compile("data_b(?:lock|egin)=\"(\\d+)\"(?: length=\"(\\d+)\")?")
                .matcher(xml);
        while (found.find()) {
            int from = Integer.parseInt(found.group(1));
            int length = found.group(2) == null ? 1 : Integer.parseInt(found.group(2));
            Arrays.fill(mapped, from, from + length, true);
        }
        return mapped;
    }

    @TestFactory
    Stream<DynamicTest> whatIsExtractedIsWhatTheKernelRead() {
        return on(
                pool -> {
                    assertFalse(pool.expected().isEmpty());
                    assertEquals(pool.expected(), pool.extracted(pool.metadata));
                },
                "02-one-thin",
                "04-snapshots",
                "05-discard-delete",
                "06-metadata-snapshot",
                "11-data-full");
    }

    @Test
    void whatCannotBeReadIsListedAndTheRestExtracted() throws Exception {
        Pool pool = new Pool("04-snapshots");
        try (var file = java.nio.channels.FileChannel.open(pool.data, java.nio.file.StandardOpenOption.WRITE)) {
            file.truncate(30 * 65536); // data blocks 30 and on are gone
        }
        String[] command = {
            "extract",
            "--thin",
            "1",
            "--data",
            pool.data.toString(),
            "-o",
            scratch.resolve("x").toString(),
            pool.metadata.toString()
        };
        ToolRun refused = ToolRun.gossamer(command);
        assertEquals(1, refused.exitCode());
        assertFalse(Files.exists(scratch.resolve("x")), "a part that looks whole");
        List<String> partial = new ArrayList<>(List.of(command));
        partial.add(1, "--partial");
        ToolRun some = ToolRun.gossamer(partial.toArray(String[]::new));
        assertEquals(4, some.exitCode());
        assertTrue(some.err().contains("lost: blocks "), some.err());
        assertTrue(Files.size(scratch.resolve("x")) > 0);
    }

    @TestFactory
    Stream<DynamicTest> trimDiscardsWhatIsFreeAndNothingElse() {
        return on(DataToolsTest::trim, "02-one-thin", "05-discard-delete", "09-grown", "11-data-full");
    }

    private static void trim(Pool pool) throws Exception {
        String xml = dump(pool.metadata);
        int blockBytes = (int) number(BLOCK_SECTORS, xml) * 512;
        byte[] data = Files.readAllBytes(pool.data);
        for (int at = 0; at < data.length; at += 512) {
            data[at] = data[at] == 0 ? 7 : data[at];
        }
        Files.write(pool.data, data);
        byte[] metadata = Files.readAllBytes(pool.metadata);
        String[] command = {"trim", "--metadata-dev", pool.metadata.toString(), "--data-dev", pool.data.toString()};
        ToolRun trim = ToolRun.gossamer(command);
        boolean needsWhole = data.length < number(DATA_BLOCKS, xml) * blockBytes;
        assertEquals(needsWhole ? 1 : 0, trim.exitCode(), trim.err());
        byte[] after = Files.readAllBytes(pool.data);
        boolean[] mapped = mapped(xml);
        int kept = 0;
        for (int block = 0; block < data.length / blockBytes && !needsWhole; block++) {
            int from = block * blockBytes;
            boolean same = Arrays.equals(data, from, from + blockBytes, after, from, from + blockBytes);
            boolean zero = Arrays.equals(new byte[blockBytes], 0, blockBytes, after, from, from + blockBytes);
            assertTrue(same || zero, "block " + block);
            assertTrue(same || !mapped[block], "block " + block + " was in use");
            kept += same && !mapped[block] ? 1 : 0;
        }
        assertTrue(kept < 50, kept + " free blocks were kept");
        assertArrayEquals(metadata, Files.readAllBytes(pool.metadata));
    }

    @TestFactory
    Stream<DynamicTest> aShrunkPoolHasTheSameVolumes() {
        return on(this::shrink, "02-one-thin", "04-snapshots", "05-discard-delete", "11-data-full");
    }

    private void shrink(Pool pool) throws Exception {
        String xml = dump(pool.metadata);
        Path output = scratch.resolve("new");
        Files.deleteIfExists(output);
        Files.write(output, new byte[4 << 20]);
        ToolRun tooSmall = shrink(pool, output, 0);
        boolean[] mapped = mapped(xml);
        Matcher least = Pattern.compile("can have (\\d+) blocks or more").matcher(tooSmall.err());
        long blocks = 0;
        if (least.find()) {
            assertEquals(1, tooSmall.exitCode());
            blocks = Long.parseLong(least.group(1));
            assertEquals(1, shrink(pool, output, blocks - 1).exitCode(), "one block less");
        }
        ToolRun shrunk = shrink(pool, output, blocks);
        assertEquals(0, shrunk.exitCode(), shrunk.err());
        String after = dump(output);
        assertEquals(blocks, number(DATA_BLOCKS, after));
        assertEquals(0, ToolRun.peer("thin_check", output.toString()).exitCode());
        int inUse = 0;
        for (boolean one : mapped) {
            inUse += one ? 1 : 0;
        }
        assertTrue(blocks >= inUse && blocks < inUse + 50, blocks + " blocks for " + inUse);
        assertEquals(pool.expected(), pool.extracted(output), "by the new metadata");
        assertEquals(pool.expected(), pool.extracted(pool.metadata), "by the old ones");
    }

    private static ToolRun shrink(Pool pool, Path output, long blocks) {
        return ToolRun.gossamer(
                "shrink",
                "--force",
                "-i",
                pool.metadata.toString(),
                "-o",
                output.toString(),
                "--data",
                pool.data.toString(),
                "--nr-blocks",
                Long.toString(blocks));
    }

    @Test
    void aPoolWithAMetadataSnapshotIsNotShrunk() throws Exception {
        Path metadata = ToolRun.unpack("06-metadata-snapshot", "meta.img", scratch);
        ToolRun refused = ToolRun.gossamer("shrink", "--plan", "--nr-blocks", "100", "-i", metadata.toString());
        assertEquals(1, refused.exitCode());
        assertTrue(refused.err().contains("release it first"), refused.err());
    }

    @Test
    void aSizeIsAsGoodAsANumberOfBlocks() throws Exception {
        Path metadata = ToolRun.unpack("02-one-thin", "meta.img", scratch);
        long blockBytes = 512 * number(BLOCK_SECTORS, dump(metadata));
        long some = number(DATA_BLOCKS, dump(metadata)) / 2;
        String[] blocks = {"shrink", "--plan", "--nr-blocks", "" + some, "-i", metadata.toString()};
        String[] bytes = {"shrink", "--plan", "--to", "" + (some * blockBytes + 512), "-i", metadata.toString()};
        assertEquals(ToolRun.gossamer(blocks), ToolRun.gossamer(bytes));
        assertEquals(
                2,
                ToolRun.gossamer("shrink", "--plan", "-i", metadata.toString()).exitCode());
    }

    @Test
    void ownersAsCommaSeparatedLinesAreInBytes() throws Exception {
        Path metadata = ToolRun.unpack("04-snapshots", "meta.img", scratch);
        String[] command = {"rmap", "--region", "0..60000", metadata.toString()};
        List<String> expected = new ArrayList<>(List.of("data,device,virtual,length"));
        Matcher run = Pattern.compile("data (\\d+)\\.\\.(\\d+) -> thin\\((\\d+)\\) (\\d+)\\.\\.\\d+")
                .matcher(ToolRun.gossamer(command).out());
        while (run.find()) {
            long data = Long.parseLong(run.group(1));
            expected.add(data * 65536 + "," + run.group(3) + "," + Long.parseLong(run.group(4)) * 65536 + ","
                    + (Long.parseLong(run.group(2)) - data) * 65536);
        }
        assertTrue(expected.size() > 10);
        ToolRun csv = ToolRun.gossamer("rmap", "-f", "csv", "--region", "0..60000", metadata.toString());
        assertEquals(expected, csv.out().lines().toList(), csv.err());
    }

    @Test
    void damageStopsTrimAndShrink() throws Exception {
        Pool pool = new Pool("04-snapshots");
        byte[] metadata = Files.readAllBytes(pool.metadata);
        byte[] data = Files.readAllBytes(pool.data);
        metadata[77 * 4096 + 100] ^= 1; // a leaf
        Files.write(pool.metadata, metadata);
        ToolRun trim = ToolRun.gossamer(
                "trim", "--metadata-dev", pool.metadata.toString(), "--data-dev", pool.data.toString());
        assertEquals(4, trim.exitCode(), trim.err());
        Path output = Files.write(scratch.resolve("new"), new byte[4 << 20]);
        assertEquals(4, shrink(pool, output, 1000).exitCode());
        assertArrayEquals(data, Files.readAllBytes(pool.data));
        assertArrayEquals(new byte[4 << 20], Files.readAllBytes(output));
    }

    @Test
    void generatedPoolsAreSound() throws Exception {
        Path first = scratch.resolve("first");
        for (String[] kind : new String[][] {
            {"--format", "--nr-data-blocks", "4096"},
            {"--devices", "3", "--mappings", "5000"},
            {"--devices", "2", "--mappings", "3000", "--snapshots", "3"},
            {"--devices", "2", "--mappings", "3001", "--snapshots", "2", "--fragmented"},
            {"--devices", "1", "--mappings", "7", "--snapshots", "1", "--fragmented", "--seed", "4"}
        }) {
            Path[] made = {first, scratch.resolve("second")};
            for (Path each : made) {
                Files.deleteIfExists(each);
                List<String> command = new ArrayList<>(List.of("generate", "-o", each.toString(), "--file-size", "4"));
                command.addAll(List.of(kind));
                ToolRun generated = ToolRun.gossamer(command.toArray(String[]::new));
                assertEquals(0, generated.exitCode(), generated.err());
            }
            assertEquals(0, ToolRun.peer("thin_check", first.toString()).exitCode(), String.join(" ", kind));
            assertArrayEquals(Files.readAllBytes(made[0]), Files.readAllBytes(made[1]), "the same numbers");
            Matcher counts = Pattern.compile("mapped_blocks=\"(\\d+)\"").matcher(dump(first));
            int devices = 0;
            while (counts.find()) {
                assertEquals(kind[3], counts.group(1));
                devices++;
            }
            assertNotEquals(kind[0].equals("--devices"), devices == 0);
        }
    }
}

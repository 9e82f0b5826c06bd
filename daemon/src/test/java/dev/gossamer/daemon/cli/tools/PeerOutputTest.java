package dev.gossamer.daemon.cli.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What thin_ls, thin_delta and thin_rmap 0.9 write, on all fixtures and on pools made from random XML. */
final class PeerOutputTest {
    private static final String ALL_FIELDS = "DEV,MAPPED_BLOCKS,EXCLUSIVE_BLOCKS,SHARED_BLOCKS,MAPPED_SECTORS,"
            + "EXCLUSIVE_SECTORS,SHARED_SECTORS,MAPPED_BYTES,EXCLUSIVE_BYTES,SHARED_BYTES,MAPPED,EXCLUSIVE,SHARED,"
            + "TRANSACTION,CREATE_TIME,SNAP_TIME";
    private static final Pattern DEVICE = Pattern.compile("dev_id=\"(\\d+)\"");
    private static final int POOLS = 20;
    private static final int SHARING_POOLS = 12;
    /** {@code pdata_tools} of thin-provisioning-tools 1.1.0: not of a distribution that has 0.9. */
    private static final String NEWER = System.getenv("GOSSAMER_PDATA_TOOLS");

    private static final String[][] DUMPS = {
        {},
        {"-f", "human_readable"},
        {"--skip-mappings"},
        {"--transaction-id", "77", "--data-block-size", "256", "--nr-data-blocks", "1000000"}
    };

    @TempDir
    private static Path scratch;

    /** @param held whether it has a metadata snapshot */
    private record Pool(String name, Path metadata, List<Long> devices, boolean held) {}

    private static List<Pool> pools() throws IOException, InterruptedException {
        List<Pool> pools = new ArrayList<>();
        for (String fixture : ToolRun.fixtures()) {
            pools.add(pool(fixture, ToolRun.unpack(fixture, "meta.img", scratch)));
        }
        Random random = Seeds.random(53);
        for (int i = 0; i < POOLS; i++) {
            Path xml = Files.writeString(scratch.resolve("random.xml"), randomXml(random));
            Path metadata = scratch.resolve("random-" + i);
            if (Files.notExists(metadata)) {
                Files.write(metadata, new byte[4 << 20]);
                ToolRun restored = ToolRun.peer("thin_restore", "-i", xml.toString(), "-o", metadata.toString());
                assertEquals(0, restored.exitCode(), "thin_restore");
            }
            pools.add(pool("random-" + i, metadata));
        }
        for (int i = 0; i < SHARING_POOLS; i++) {
            pools.add(pool("sharing-" + i, generated(i, random)));
        }
        return pools;
    }

    /** With leaves that devices share, which the peer's restore does not make. */
    private static Path generated(int number, Random random) {
        Path metadata = scratch.resolve("sharing-" + number);
        List<String> command = new ArrayList<>(List.of("generate", "-o", metadata.toString(), "--file-size", "4"));
        command.addAll(List.of("--devices", "" + (1 + random.nextInt(4)), "--snapshots", "" + random.nextInt(4)));
        command.addAll(List.of("--mappings", "" + (1 + random.nextInt(3000)), "--seed", "" + number));
        if (random.nextBoolean()) {
            command.add("--fragmented");
        }
        if (Files.notExists(metadata)) {
            ToolRun generated = ToolRun.gossamer(command.toArray(String[]::new));
            assertEquals(0, generated.exitCode(), generated.err());
        }
        return metadata;
    }

    private static Pool pool(String name, Path metadata) throws IOException, InterruptedException {
        Matcher ids =
                DEVICE.matcher(ToolRun.peer("thin_dump", metadata.toString()).out());
        List<Long> devices = new ArrayList<>();
        while (ids.find()) {
            devices.add(Long.valueOf(ids.group(1)));
        }
        return new Pool(name, metadata, devices, name.startsWith("06"));
    }

    /** Runs, gaps, sharing and sizes of all kinds. */
    private static String randomXml(Random random) {
        int dataBlocks = 60_000;
        StringBuilder xml = new StringBuilder(
                "<superblock uuid=\"\" time=\"9\" transaction=\"3\" flags=\"0\" version=\"2\"" + " data_block_size=\""
                        + 128 * (1 + random.nextInt(5)) + "\" nr_data_blocks=\"" + dataBlocks + "\">\n");
        int devices = random.nextInt(6);
        for (int id = 1; id <= devices; id++) {
            StringBuilder mappings = new StringBuilder();
            int at = 0;
            int mapped = 0;
            int runs = random.nextInt(random.nextBoolean() ? 10 : 400);
            for (int i = 0; i < runs; i++) {
                at += random.nextInt(3) == 0 ? random.nextInt(100) : 0;
                int length = 1 + random.nextInt(random.nextInt(4) == 0 ? 60 : 3);
                // few places, so that devices share blocks and runs go on
                int data = random.nextInt(3) == 0 ? at % dataBlocks : random.nextInt(dataBlocks - 100);
                length = Math.min(length, dataBlocks - data);
                mappings.append("<range_mapping origin_begin=\"" + at + "\" data_begin=\"" + data + "\" length=\""
                        + length + "\" time=\"" + random.nextInt(3) + "\"/>\n");
                at += length;
                mapped += length;
            }
            xml.append("<device dev_id=\"" + id * 3 + "\" mapped_blocks=\"" + mapped + "\" transaction=\""
                    + random.nextInt(9) + "\" creation_time=\"0\" snap_time=\"" + random.nextInt(9) + "\">\n" + mappings
                    + "</device>\n");
        }
        return xml.append("</superblock>\n").toString();
    }

    private interface Check {
        void run(Pool pool) throws Exception;
    }

    private static Stream<DynamicTest> onAllPools(Check check) throws IOException, InterruptedException {
        return pools().stream().map(pool -> DynamicTest.dynamicTest(pool.name(), () -> check.run(pool)));
    }

    private static ToolRun ours(String tool, Pool pool, String... options) {
        return own("0.9", tool, pool, options);
    }

    private static ToolRun own(String compat, String tool, Pool pool, String... options) {
        List<String> command = new ArrayList<>(List.of(tool, "--compat", compat));
        command.addAll(List.of(options));
        command.add(pool.metadata().toString());
        return ToolRun.gossamer(command.toArray(String[]::new));
    }

    private static ToolRun theirs(String tool, Pool pool, String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of("thin_" + tool));
        command.addAll(List.of(options));
        command.add(pool.metadata().toString());
        return ToolRun.peer(command.toArray(String[]::new));
    }

    private static void same(String tool, Pool pool, String... options) throws Exception {
        ToolRun peer = theirs(tool, pool, options);
        ToolRun own = ours(tool, pool, options);
        assertEquals(peer.out(), own.out(), tool + " " + Arrays.toString(options) + " " + own.err());
        assertEquals(peer.exitCode(), own.exitCode(), own.err());
    }

    @TestFactory
    Stream<DynamicTest> dump() throws Exception {
        return onAllPools(pool -> {
            for (String[] options : DUMPS) {
                assertEquals(theirs("dump", pool, options).out(), dumped("0.9", pool, options));
            }
            String id = pool.devices().isEmpty() ? "1" : "" + pool.devices().getLast();
            assertEquals(
                    theirs("dump", pool, "--dev-id", id).out(), dumped("0.9", pool, "--dev-id", id), "--dev-id " + id);
        });
    }

    /** A dump goes to a file: standard output is this process's. */
    private static String dumped(String compat, Pool pool, String... options) throws IOException {
        Path text = scratch.resolve("text");
        List<String> command = new ArrayList<>(List.of("dump", "--compat", compat, "-o", text.toString()));
        command.addAll(List.of(options));
        command.add(pool.metadata().toString());
        ToolRun own = ToolRun.gossamer(command.toArray(String[]::new));
        assertEquals(0, own.exitCode(), own.err());
        return Files.readString(text);
    }

    /** Version 1.1.0, where it can be run: names of shared runs, units, and the first owner alone. */
    @TestFactory
    Stream<DynamicTest> version1() throws Exception {
        assumeTrue(
                NEWER != null,
                "GOSSAMER_PDATA_TOOLS names no pdata_tools of thin-provisioning-tools 1.1.0 (its package, unpacked)");
        return onAllPools(pool -> {
            for (String[] options : DUMPS) {
                String theirs = newer("dump", pool, options);
                assertEquals(theirs, dumped("1", pool, options), Arrays.toString(options));
            }
            String[][] others = {
                {"ls"},
                {"ls", "-o", ALL_FIELDS + ",HIGHEST_BLOCK,HIGHEST_SECTOR,HIGHEST_BYTE,HIGHEST_MAPPED"},
                {"ls", "--no-headers", "-o", "DEV,MAPPED"},
                {"rmap", "--region", "0..60000"},
                {"rmap", "--region", "10..30", "--region", "25..90"}
            };
            for (String[] words : others) {
                String[] options = Arrays.copyOfRange(words, 1, words.length);
                String theirs = newer(words[0], pool, options);
                assertEquals(theirs, own("1", words[0], pool, options).out(), Arrays.toString(words));
            }
            for (int i = 1; i < pool.devices().size(); i++) {
                String[] options = {
                    "--thin1",
                    "" + pool.devices().get(i - 1),
                    "--thin2",
                    "" + pool.devices().get(i)
                };
                assertEquals(
                        newer("delta", pool, options),
                        own("1", "delta", pool, options).out());
            }
            Path unpacked = scratch.resolve("unpacked");
            Path pack = scratch.resolve("pack");
            Files.deleteIfExists(pack);
            Files.deleteIfExists(unpacked); // over metadata that are there it asks first
            assertEquals(
                    0,
                    ToolRun.gossamer("pack", "-i", pool.metadata().toString(), "-o", pack.toString())
                            .exitCode());
            ToolRun peer =
                    ToolRun.peer(NEWER, "thin_metadata_unpack", "-i", pack.toString(), "-o", unpacked.toString());
            assertEquals(0, peer.exitCode(), "thin_metadata_unpack");
            assertEquals(
                    theirs("dump", pool).out(),
                    ToolRun.peer("thin_dump", unpacked.toString()).out());
        });
    }

    private static String newer(String tool, Pool pool, String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of(NEWER, "thin_" + tool));
        command.addAll(List.of(options));
        command.add(pool.metadata().toString());
        ToolRun run = ToolRun.peer(command.toArray(String[]::new));
        assertEquals(0, run.exitCode());
        return run.out();
    }

    @TestFactory
    Stream<DynamicTest> ls() throws Exception {
        return onAllPools(pool -> {
            same("ls", pool);
            same("ls", pool, "--no-headers", "-o", "DEV,MAPPED");
            same("ls", pool, "-o", ALL_FIELDS);
            if (pool.held()) {
                same("ls", pool, "-m", "--format", ALL_FIELDS);
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> delta() throws Exception {
        return onAllPools(pool -> {
            int count = pool.devices().size();
            for (int i = 0; i < count; i++) {
                long left = pool.devices().get(i);
                // itself, a neighbour and one far away; a process each is too much for all pairs
                for (int j : new int[] {i, (i + 1) % count, (i + count / 2) % count}) {
                    long right = pool.devices().get(j);
                    same("delta", pool, "--thin1", "" + left, "--thin2", "" + right);
                    same("delta", pool, "--verbose", "--snap1", "" + left, "--snap2", "" + right);
                }
            }
            if (pool.held()) {
                same("delta", pool, "--thin1", "1", "--thin2", "2", "-m");
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> rmap() throws Exception {
        return onAllPools(pool -> {
            for (String[] regions : new String[][] {
                {"--region", "0..60000"},
                {"--region", "3..4"},
                {"--region", "10..30", "--region", "25..90"},
                {"--region", "100..120", "--region", "40..41"}
            }) {
                // of equal begins 0.9 has no order
                ToolRun peer = theirs("rmap", pool, regions);
                assertEquals(0, peer.exitCode());
                ToolRun own = ours("rmap", pool, regions);
                assertEquals(sorted(peer.out()), sorted(own.out()), own.err());
                Set<String> all = new HashSet<>(allOwners(pool, regions));
                assertTrue(
                        all.containsAll(sorted(own.out()).stream()
                                .map(PeerOutputTest::blocks)
                                .flatMap(List::stream)
                                .toList()),
                        "ours without --compat lacks some");
            }
        });
    }

    private static List<String> sorted(String lines) {
        return lines.lines().sorted().toList();
    }

    private static List<String> allOwners(Pool pool, String... regions) {
        List<String> command = new ArrayList<>(List.of("rmap"));
        command.addAll(List.of(regions));
        command.add(pool.metadata().toString());
        ToolRun own = ToolRun.gossamer(command.toArray(String[]::new));
        assertEquals(0, own.exitCode(), own.err());
        return own.out()
                .lines()
                .map(PeerOutputTest::blocks)
                .flatMap(List::stream)
                .toList();
    }

    /** A line for each block of a line. */
    private static List<String> blocks(String line) {
        Matcher numbers = Pattern.compile("data (\\d+)\\.\\.(\\d+) -> thin\\((\\d+)\\) (\\d+)\\.\\.(\\d+)")
                .matcher(line);
        assertTrue(numbers.matches(), line);
        List<String> blocks = new ArrayList<>();
        long data = Long.parseLong(numbers.group(1));
        long virtual = Long.parseLong(numbers.group(4));
        for (long at = data; at < Long.parseLong(numbers.group(2)); at++) {
            blocks.add(at + " " + numbers.group(3) + " " + (virtual + at - data));
        }
        return blocks;
    }

    /** Every owner, block by block, by a model: thin_dump's XML. */
    @TestFactory
    Stream<DynamicTest> rmapTellsEveryOwner() throws Exception {
        Pattern mapping = Pattern.compile(
                "<device dev_id=\"(\\d+)\"|<single_mapping origin_block=\"(\\d+)\" data_block=\"(\\d+)\""
                        + "|<range_mapping origin_begin=\"(\\d+)\" data_begin=\"(\\d+)\" length=\"(\\d+)\"");
        return onAllPools(pool -> {
            List<String> expected = new ArrayList<>();
            Matcher found = mapping.matcher(
                    ToolRun.peer("thin_dump", pool.metadata().toString()).out());
            String device = "";
            while (found.find()) {
                device = found.group(1) == null ? device : found.group(1);
                if (found.group(2) != null) {
                    expected.add(found.group(3) + " " + device + " " + found.group(2));
                } else if (found.group(4) != null) {
                    for (long i = 0; i < Long.parseLong(found.group(6)); i++) {
                        expected.add((Long.parseLong(found.group(5)) + i) + " " + device + " "
                                + (Long.parseLong(found.group(4)) + i));
                    }
                }
            }
            List<String> owners = new ArrayList<>(allOwners(pool, "--region", "0..1000000"));
            owners.sort(null);
            expected.sort(null);
            assertEquals(expected, owners);
        });
    }
}

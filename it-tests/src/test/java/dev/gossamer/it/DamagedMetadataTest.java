package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gossamer.daemon.cli.GossamerCommand;
import dev.gossamer.thin.offline.DamageCases;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * The corruption cases of the offline tools: metadata of a kernel, damaged in one place with checksums made right. Each
 * is called by its verdict; what a repair keeps is a pool that thin_check finds sound, with no mapping that there was
 * not.
 */
final class DamagedMetadataTest {
    private static final int ANY = -1;
    /** There is no tree of devices left: repair refuses, and leaves no pool. */
    private static final int NOTHING = 0;

    private static final int KEPT_ALL = 5375;

    /** What is set right in the input itself (OT-37). */
    private static final Set<String> IN_PLACE = Set.of(
            "13-one-data-block-twice",
            "14-data-count-0-to-1",
            "14-data-count-1-to-2",
            "14-data-count-1-to-0",
            "16-metadata-count-0-to-1",
            "16-metadata-count-1-to-2",
            "16-metadata-count-1-to-0",
            "17-mapped-blocks",
            "18-device-not-in-details",
            "18-device-not-in-mappings",
            "22-allocated-blocks",
            "22-device-transaction-too-high",
            "22-free-entries-of-a-bitmap");

    private static final List<String> TABLE = Collections.synchronizedList(new ArrayList<>());

    @TempDir
    private Path scratch;

    /** What check says, and what repair keeps; ANY: whatever can be. */
    private record Case(String name, String fixture, int verdict, int devices, int mappings) {}

    private final List<Case> cases = new ArrayList<>();

    private void add(String name, int verdict, int devices, int mappings) {
        cases.add(new Case(name, "08-killed", verdict, devices, mappings));
    }

    private void addOf(String fixture, String name, int verdict) {
        cases.add(new Case(name, fixture, verdict, ANY, ANY));
    }

    @TestFactory
    Stream<DynamicTest> isCalledByItsVerdictAndRepaired() {
        superblocks();
        leaves();
        trees();
        counts();
        spaceMaps();
        assertEquals(
                DamageCases.names().stream().sorted().toList(),
                cases.stream().map(Case::name).sorted().toList(),
                "each case is run, and can be had from generate");
        return cases.stream().map(one -> DynamicTest.dynamicTest(one.name, () -> run(one)));
    }

    private void superblocks() {
        add("1-superblock-checksum", 6, 8, KEPT_ALL);
        add("2-magic", 6, 8, KEPT_ALL);
        add("2-incompatible-features", 6, ANY, ANY);
        add("2-block-size", 4, 8, KEPT_ALL);
        add("3-cut-to-40-blocks", 4, NOTHING, ANY);
        add("22-time-too-low", 4, 8, KEPT_ALL);
        add("23-more-metadata-blocks-than-there-are", 4, 8, KEPT_ALL);
        addOf("06-metadata-snapshot", "21-held-root-is-junk", 4);
        addOf("06-metadata-snapshot", "21-held-root-beyond", 4);
    }

    private void leaves() {
        add("4-leaf-checksum", 4, 8, 5121);
        add("5-leafs-own-number", 4, 8, 5121);
        add("6-keys-swapped", 4, 8, 5121);
        add("6-key-repeated", 4, 8, 5121);
        add("9-253-entries", 4, 8, 5121);
        add("9-value-size-4", 4, 8, 5121);
        add("24-leaf-cut-to-10-entries", 4, 8, KEPT_ALL - 2 * (127 - 10));
        add("12-mapping-beyond-the-data-device", 4, 8, KEPT_ALL - 1);
        add("13-one-data-block-twice", 4, 8, KEPT_ALL);
    }

    private void trees() {
        add("7-parent-key-above-the-childs-first", 4, 8, KEPT_ALL);
        add("8-leafs-last-key-is-the-next-parent-key", 4, 8, KEPT_ALL - 2);
        add("10-child-beyond-the-device", 4, 8, 5121);
        add("10-child-is-its-own-parent", 4, 8, 5121);
        add("10-child-is-a-bitmap", 4, 8, 5121);
        add("11-device-root-is-a-leaf-of-details", 4, 8, 3581);
        add("17-mapped-blocks", 4, 8, KEPT_ALL);
        add("18-device-not-in-details", 4, 8, KEPT_ALL);
        add("18-device-not-in-mappings", 4, 7, 3581);
        add("19-details-checksum", 4, 8, KEPT_ALL);
        add("22-device-transaction-too-high", 3, 8, KEPT_ALL);
        add("22-device-time-too-high", 4, 8, KEPT_ALL);
    }

    private void counts() {
        for (String map : List.of("14-data-count", "16-metadata-count")) {
            add(map + "-0-to-1", 3, 8, KEPT_ALL);
            add(map + "-1-to-2", 3, 8, KEPT_ALL);
            add(map + "-1-to-0", 4, 8, KEPT_ALL);
        }
        addOf("04-snapshots", "20-overflow-entry-missing", 4);
        addOf("04-snapshots", "20-overflow-entry-too-low", 4);
    }

    private void spaceMaps() {
        add("19-data-bitmap-checksum", 4, 8, KEPT_ALL);
        add("19-metadata-bitmap-checksum", 4, 8, KEPT_ALL);
        add("19-index-checksum", 4, 8, KEPT_ALL);
        add("22-free-entries-of-a-bitmap", 3, 8, KEPT_ALL);
        add("22-allocated-blocks", 3, 8, KEPT_ALL);
    }

    private void run(Case one) throws Exception {
        Fixture fixture = new Fixture(Path.of(System.getProperty("gossamer.fixtures"), one.fixture));
        Path damaged = fixture.unpackMetadata(
                Files.createTempDirectory(scratch, "case").resolve("damaged"));
        assertEquals(0, GossamerCommand.run("generate", "-q", "--damage", one.name, "-o", damaged.toString()));
        byte[] before = Files.readAllBytes(damaged);

        assertEquals(one.verdict, GossamerCommand.run("check", "-q", damaged.toString()));
        if (one.verdict == 3) {
            assertEquals(0, GossamerCommand.run("check", "-q", "--ignore-non-fatal-errors", damaged.toString()));
        }
        if (!one.name.contains("incompatible")) {
            repair(one, fixture, damaged);
        }
        assertArrayEquals(before, Files.readAllBytes(damaged), "the input was written to");
        // Whoever wants the flag cleared has leaks fixed with it, as LVM does at each activation.
        for (String fix : List.of("--fix=leaks", "--auto-repair", "--clear-needs-check-flag")) {
            Files.write(damaged, before);
            if (one.verdict == 3) {
                assertEquals(0, GossamerCommand.run("check", "-q", fix, damaged.toString()), fix);
                assertEquals(0, GossamerCommand.run("check", "-q", damaged.toString()), fix);
                Tool.succeed("thin_check", "-q", damaged.toString());
            } else {
                assertEquals(one.verdict, GossamerCommand.run("check", "-q", fix, damaged.toString()), fix);
                assertArrayEquals(before, Files.readAllBytes(damaged), fix);
            }
        }
        inPlace(one, damaged, before);
    }

    private static void inPlace(Case one, Path damaged, byte[] before) throws Exception {
        Files.write(damaged, before);
        int exitCode = GossamerCommand.run("repair", "-q", "--in-place", "-i", damaged.toString());
        if (!IN_PLACE.contains(one.name)) {
            assertTrue(exitCode == 4 || exitCode == 6, one.name + " " + exitCode);
            assertArrayEquals(before, Files.readAllBytes(damaged), "nothing is set right of it");
            return;
        }
        assertEquals(0, exitCode);
        assertEquals(0, GossamerCommand.run("check", "-q", damaged.toString()));
        Tool.succeed("thin_check", "-q", damaged.toString());
        Map<Long, Map<Long, Long>> kept = ThinDump.of(damaged);
        assertEquals(one.devices, kept.size(), "devices");
        assertEquals(one.mappings, kept.values().stream().mapToInt(Map::size).sum(), "mappings");
    }

    private void repair(Case one, Fixture fixture, Path damaged) throws Exception {
        Path repaired = Files.createTempFile(scratch, "repaired", ".meta");
        try (RandomAccessFile file = new RandomAccessFile(repaired.toFile(), "rw")) {
            file.setLength(8 << 20);
        }
        Path report = Files.createTempFile(scratch, "report", ".json");
        boolean given = one.verdict == 6 || one.name.contains("block-size");
        List<String> command =
                new ArrayList<>(List.of("repair", "-q", "--yes", "-i", damaged.toString(), "-o", repaired.toString()));
        command.addAll(List.of("--report", report.toString()));
        if (given) {
            command.addAll(List.of("--data-block-size", "128"));
        }
        assertEquals(one.devices == NOTHING ? 1 : 0, GossamerCommand.run(command.toArray(String[]::new)), one.name);
        if (one.devices == NOTHING) {
            assertEquals(6, GossamerCommand.run("check", "-q", repaired.toString()));
            TABLE.add("|" + one.name + "|" + one.verdict + "|-|-|-|all|");
            return;
        }

        Tool.succeed("thin_check", "-q", repaired.toString());
        assertEquals(0, GossamerCommand.run("check", "-q", repaired.toString()));
        Map<Long, Map<Long, Long>> original = fixture.mappings();
        Map<Long, Map<Long, Long>> kept = ThinDump.of(repaired);
        if (one.devices != ANY) {
            assertEquals(one.devices, kept.size(), "devices");
        }
        if (one.mappings != ANY) {
            assertEquals(
                    one.mappings, kept.values().stream().mapToInt(Map::size).sum(), "mappings");
        }
        int moved = one.name.startsWith("13") ? 1 : 0;
        long strange = kept.entrySet().stream()
                .mapToLong(device -> device.getValue().entrySet().stream()
                        .filter(mapping -> !mapping.getValue()
                                .equals(original.getOrDefault(device.getKey(), Map.of())
                                        .get(mapping.getKey())))
                        .count())
                .sum();
        assertTrue(strange <= (long) moved * kept.size(), strange + " mappings that there were not");
        JsonNode chosen = new ObjectMapper().readTree(report.toFile()).get(0);
        assertTrue(chosen.path("chosen").asBoolean(), one.name);
        int lost = lossesAreNamed(one, original, kept, chosen.path("lost"));
        TABLE.add("|" + one.name + "|" + one.verdict + "|" + kept.size() + "|"
                + kept.values().stream().mapToInt(Map::size).sum() + "|" + lost + "|"
                + chosen.path("lost").size() + "|");
    }

    /** Every mapping that is gone lies in a range that the repair had told of. */
    private static int lossesAreNamed(
            Case one, Map<Long, Map<Long, Long>> original, Map<Long, Map<Long, Long>> kept, JsonNode named) {
        int lost = 0;
        for (Map.Entry<Long, Map<Long, Long>> device : original.entrySet()) {
            for (long block : device.getValue().keySet()) {
                if (!kept.getOrDefault(device.getKey(), Map.of()).containsKey(block)) {
                    lost++;
                    assertTrue(
                            isNamed(device.getKey(), block, named),
                            one.name + ": device " + device.getKey() + ", block " + block + " is lost without a word");
                }
            }
        }
        return lost;
    }

    private static boolean isNamed(long device, long block, JsonNode named) {
        for (JsonNode range : named) {
            if (range.path("reason").asText().contains("state")) {
                continue; // says that something may be missing, and not what
            }
            boolean ofDevices = range.path("reason").asText().startsWith("devices: ");
            long at = ofDevices ? device : block;
            boolean its =
                    range.path("device").asLong() == -1 || range.path("device").asLong() == device;
            boolean inside = Long.compareUnsigned(at, range.path("first").asLong()) >= 0
                    && Long.compareUnsigned(at, range.path("last").asLong()) <= 0;
            if (its && inside) {
                return true;
            }
        }
        return false;
    }

    @AfterAll
    static void tell() {
        System.out.println("|case|check|devices kept|mappings kept|lost|ranges told|");
        System.out.println("|---|---:|---:|---:|---:|---:|");
        TABLE.forEach(System.out::println);
    }
}

package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gossamer.daemon.cli.GossamerCommand;
import dev.gossamer.pdata.block.BlockValidator;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
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
    private static final BlockValidator NODE = BlockValidator.BTREE_NODE;

    private static final List<String> TABLE = Collections.synchronizedList(new ArrayList<>());

    @TempDir
    private Path scratch;

    /** What check says, and what repair keeps; ANY: whatever can be. */
    private record Case(
            String name, String fixture, Consumer<MetadataImage> edit, int verdict, int devices, int mappings) {}

    private final List<Case> cases = new ArrayList<>();

    private void add(String name, int verdict, int devices, int mappings, Consumer<MetadataImage> edit) {
        cases.add(new Case(name, "08-killed", edit, verdict, devices, mappings));
    }

    private void addOf(String fixture, String name, int verdict, Consumer<MetadataImage> edit) {
        cases.add(new Case(name, fixture, edit, verdict, ANY, ANY));
    }

    @TestFactory
    Stream<DynamicTest> isCalledByItsVerdictAndRepaired() {
        superblocks();
        leaves();
        trees();
        mappings();
        counts();
        spaceMaps();
        return cases.stream().map(one -> DynamicTest.dynamicTest(one.name, () -> run(one)));
    }

    private void superblocks() {
        add("1 superblock checksum", 6, 8, KEPT_ALL, image -> image.flip(0, 100));
        add("2 magic", 6, 8, KEPT_ALL, image -> superblock(image, 32, 1));
        add("2 incompatible features", 6, ANY, ANY, image -> superblock(image, 360, 1));
        add("2 block size", 4, 8, KEPT_ALL, image -> superblock(image, 336, 100));
        add("3 cut to 40 blocks", 4, NOTHING, ANY, image -> image.cut(40));
        add("22 time too low", 4, 8, KEPT_ALL, image -> superblock(image, 44, 1));
        add("23 more metadata blocks than there are", 4, 8, KEPT_ALL, image -> {
            image.putWord(0, MetadataImage.METADATA_MAP, image.blocks() + 1L);
            image.seal(0, BlockValidator.SUPERBLOCK);
        });
        addOf("06-metadata-snapshot", "21 held root is junk", 4, image -> image.flip(image.word(0, 56), 64));
        addOf("06-metadata-snapshot", "21 held root beyond", 4, image -> superblock(image, 56, 1 << 20));
    }

    private static void superblock(MetadataImage image, int offset, int value) {
        image.putNumber(0, offset, value);
        image.seal(0, BlockValidator.SUPERBLOCK);
    }

    private void leaves() {
        add("4 leaf checksum", 4, 8, 5121, image -> image.flip(image.leafOf(2), 100));
        add("5 leaf's own number", 4, 8, 5121, image -> image.sealAs(image.leafOf(2), 7));
        add(
                "6 keys swapped",
                4,
                8,
                5121,
                image -> leaf(image, leaf -> {
                    long first = image.key(leaf, 3);
                    image.putWord(leaf, MetadataImage.keyAt(3), image.key(leaf, 4));
                    image.putWord(leaf, MetadataImage.keyAt(4), first);
                }));
        add(
                "6 key repeated",
                4,
                8,
                5121,
                image -> leaf(image, leaf -> image.putWord(leaf, MetadataImage.keyAt(4), image.key(leaf, 3))));
        add("9 253 entries", 4, 8, 5121, image -> leaf(image, leaf -> image.setEntries(leaf, 253)));
        add("9 value size 4", 4, 8, 5121, image -> leaf(image, leaf -> image.putNumber(leaf, 24, 4)));
        add(
                "24 leaf cut to 10 entries",
                4,
                8,
                KEPT_ALL - 2 * (127 - 10),
                image -> leaf(image, leaf -> image.setEntries(leaf, 10)));
    }

    private static void leaf(MetadataImage image, Consumer<Long> edit) {
        long leaf = image.leafOf(2);
        edit.accept(leaf);
        image.seal(leaf, NODE);
    }

    private void trees() {
        add(
                "7 parent key above the child's first",
                4,
                8,
                KEPT_ALL,
                image -> parent(
                        image,
                        parent -> image.putWord(
                                parent, MetadataImage.keyAt(1), image.key(image.value(parent, 1), 0) + 1)));
        add("8 leaf's last key is the next parent key", 4, 8, KEPT_ALL - 2, image -> {
            long parent = image.parent();
            long child = image.value(parent, 0);
            image.putWord(child, MetadataImage.keyAt(image.entries(child) - 1), image.key(parent, 1));
            image.seal(child, NODE);
        });
        add("10 child beyond the device", 4, 8, 5121, image -> child(image, 1L << 40));
        add("10 child is its own parent", 4, 8, 5121, image -> child(image, image.parent()));
        add("10 child is a bitmap", 4, 8, 5121, image -> child(image, image.bitmap(MetadataImage.DATA_MAP)));
        add("11 device root is a leaf of details", 4, 8, 3581, image -> {
            long root = image.word(0, MetadataImage.MAPPING_ROOT);
            image.putWord(root, MetadataImage.valueAt(0), image.word(0, MetadataImage.DETAILS_ROOT));
            image.seal(root, NODE);
        });
        add(
                "17 mapped blocks",
                4,
                8,
                KEPT_ALL,
                image -> details(image, details -> image.putWord(details, 32 + 8 * 126, 999)));
        add(
                "18 device not in details",
                4,
                8,
                KEPT_ALL,
                image -> details(image, details -> image.setEntries(details, image.entries(details) - 1)));
        add("18 device not in mappings", 4, 7, 3581, image -> {
            long root = image.word(0, MetadataImage.MAPPING_ROOT);
            image.setEntries(root, image.entries(root) - 1);
            image.seal(root, NODE);
        });
        add("19 details checksum", 4, 8, KEPT_ALL, image -> image.flip(image.word(0, MetadataImage.DETAILS_ROOT), 100));
    }

    private static void parent(MetadataImage image, Consumer<Long> edit) {
        long parent = image.parent();
        edit.accept(parent);
        image.seal(parent, NODE);
    }

    private static void child(MetadataImage image, long location) {
        parent(image, parent -> image.putWord(parent, MetadataImage.valueAt(0), location));
    }

    private static void details(MetadataImage image, Consumer<Long> edit) {
        long details = image.word(0, MetadataImage.DETAILS_ROOT);
        edit.accept(details);
        image.seal(details, NODE);
    }

    private void mappings() {
        add("12 mapping beyond the data device", 4, 8, KEPT_ALL - 1, image -> mapping(image, 1L << 39));
        add("13 one data block twice", 4, 8, KEPT_ALL, image -> mapping(image, image.value(image.leafOf(2), 0) >>> 24));
    }

    private static void mapping(MetadataImage image, long dataBlock) {
        long leaf = image.leafOf(1);
        image.putWord(leaf, MetadataImage.valueAt(0), dataBlock << 24);
        image.seal(leaf, NODE);
    }

    private void counts() {
        count("14 data count", MetadataImage.DATA_MAP);
        count("16 metadata count", MetadataImage.METADATA_MAP);
        addOf("04-snapshots", "20 overflow entry missing", 4, image -> {
            long root = image.word(0, MetadataImage.DATA_MAP + 24);
            image.setEntries(root, image.entries(root) - 1);
            image.seal(root, NODE);
        });
        addOf("04-snapshots", "20 overflow entry too low", 4, image -> {
            long root = image.word(0, MetadataImage.DATA_MAP + 24);
            image.putNumber(root, 32 + 8 * 336, 2);
            image.seal(root, NODE);
        });
    }

    private void count(String name, int map) {
        add(name + " 0 to 1", 3, 8, KEPT_ALL, image -> image.setCount(map, image.blockWithCount(map, 0, 900), 1));
        add(name + " 1 to 2", 3, 8, KEPT_ALL, image -> image.setCount(map, image.blockWithCount(map, 1, 1), 2));
        add(name + " 1 to 0", 4, 8, KEPT_ALL, image -> image.setCount(map, image.blockWithCount(map, 1, 1), 0));
    }

    private void spaceMaps() {
        add("19 data bitmap checksum", 4, 8, KEPT_ALL, image -> image.flip(image.bitmap(MetadataImage.DATA_MAP), 100));
        add(
                "19 metadata bitmap checksum",
                4,
                8,
                KEPT_ALL,
                image -> image.flip(image.bitmap(MetadataImage.METADATA_MAP), 100));
        add(
                "19 index checksum",
                4,
                8,
                KEPT_ALL,
                image -> image.flip(image.word(0, MetadataImage.METADATA_MAP + 16), 100));
        add("22 free entries of a bitmap", 3, 8, KEPT_ALL, image -> {
            long index = image.word(0, MetadataImage.METADATA_MAP + 16);
            image.putNumber(index, 16 + 8, 5);
            image.seal(index, BlockValidator.INDEX);
        });
        add("22 allocated blocks", 3, 8, KEPT_ALL, image -> superblock(image, MetadataImage.DATA_MAP + 8, 1));
    }

    private void run(Case one) throws Exception {
        Fixture fixture = new Fixture(Path.of(System.getProperty("gossamer.fixtures"), one.fixture));
        Path damaged = fixture.unpackMetadata(
                Files.createTempDirectory(scratch, "case").resolve("damaged"));
        MetadataImage image = new MetadataImage(damaged);
        one.edit.accept(image);
        image.write(damaged);
        byte[] before = Files.readAllBytes(damaged);

        assertEquals(one.verdict, GossamerCommand.run("check", "-q", damaged.toString()));
        if (one.verdict == 3) {
            assertEquals(0, GossamerCommand.run("check", "-q", "--ignore-non-fatal-errors", damaged.toString()));
        }
        if (!one.name.contains("incompatible")) {
            repair(one, fixture, damaged);
        }
        assertArrayEquals(before, Files.readAllBytes(damaged), "the input was written to");
        if (one.verdict == 3) {
            assertEquals(0, GossamerCommand.run("check", "-q", "--fix", "leaks", damaged.toString()));
            assertEquals(0, GossamerCommand.run("check", "-q", damaged.toString()));
            Tool.succeed("thin_check", "-q", damaged.toString());
        }
    }

    private void repair(Case one, Fixture fixture, Path damaged) throws Exception {
        Path repaired = Files.createTempFile(scratch, "repaired", ".meta");
        try (RandomAccessFile file = new RandomAccessFile(repaired.toFile(), "rw")) {
            file.setLength(8 << 20);
        }
        Path report = Files.createTempFile(scratch, "report", ".json");
        boolean given = one.verdict == 6 || one.name.contains("block size");
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

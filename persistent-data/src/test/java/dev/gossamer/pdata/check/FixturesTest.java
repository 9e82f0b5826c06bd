package dev.gossamer.pdata.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.btree.BTreeCursor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads pools that a Linux kernel made, and finds in them what the kernel and its tools found. */
final class FixturesTest {
    private static final Path FIXTURES = Path.of("../it-tests/src/test/resources/fixtures");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "01-empty",
                "02-one-thin",
                "03-sparse",
                "04-snapshots",
                "05-discard-delete",
                "06-metadata-snapshot",
                "07-1m-blocks",
                "08-killed",
                "09-grown",
                "10-needs-check",
                "11-data-full"
            })
    void aKernelsPoolReadsAsItsToolsSayAndHasNoDamageButTheKnownLeaks(String name) throws Exception {
        String expected = Files.readString(FIXTURES.resolve(name).resolve("expected.json"));
        try (TestPool pool = TestPool.open(disk(name), 128)) {
            String dump = new String(unzip(name, "dump.xml.gz"), StandardCharsets.UTF_8);
            assertEquals(ThinDump.parse(dump).mappings(), pool.allMappings());
            assertEquals(numbersOf(expected, "leaked_data_blocks"), leaks(pool.damage()));
            assertEquals(detailsIn(expected), detailsOf(pool));
            assertEquals(number(expected, "data_allocated"), pool.dataMap.allocated());
            assertEquals(number(expected, "data_blocks"), pool.dataMap.blocks());
            assertEquals(number(expected, "metadata_allocated"), pool.metadataMap.allocated());
            assertEquals(number(expected, "metadata_blocks"), pool.metadataMap.blocks());
        }
    }

    @Test
    void theTreesOfAMetadataSnapshotReadAsTheToolsSay() throws Exception {
        try (TestPool pool = TestPool.open(disk("06-metadata-snapshot"), 128)) {
            pool.mappingRoot =
                    pool.tx.read(pool.heldRoot, BlockValidator.SUPERBLOCK).getLong(320);
            String dump = new String(unzip("06-metadata-snapshot", "dump-held.xml.gz"), StandardCharsets.UTF_8);
            assertEquals(ThinDump.parse(dump).mappings(), pool.allMappings());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"03-sparse", "04-snapshots", "05-discard-delete", "06-metadata-snapshot", "08-killed", "09-grown"
            })
    void aKernelsPoolStaysSoundWhenWeChangeItAndReadsBackTheSame(String name) throws Exception {
        SimulatedDisk disk = disk(name);
        List<Long> leaked =
                numbersOf(Files.readString(FIXTURES.resolve(name).resolve("expected.json")), "leaked_data_blocks");
        Map<Long, Map<Long, Long>> left;
        try (TestPool pool = TestPool.open(disk, 128)) {
            long device = pool.allMappings().keySet().iterator().next();
            pool.snapshot(device, 4242);
            for (int i = 0; i < 40; i++) {
                pool.provision(device, i * 3L);
            }
            pool.discard(4242, 10, 5000);
            pool.commit();
            if (pool.heldRoot != 0) {
                pool.releaseHeld();
            }
            pool.deleteDevice(device);
            pool.commit();
            assertEquals(leaked, leaks(pool.damage()));
            left = pool.allMappings();
        }
        try (TestPool pool = TestPool.open(disk, 128)) {
            assertEquals(left, pool.allMappings());
        }
    }

    private static SimulatedDisk disk(String name) throws IOException {
        byte[] image = unzip(name, "meta.img.gz");
        SimulatedDisk disk = new SimulatedDisk(image.length);
        disk.writeNow(0, image);
        return disk;
    }

    private static byte[] unzip(String fixture, String file) throws IOException {
        Path path = FIXTURES.resolve(fixture).resolve(file);
        assertTrue(Files.exists(path), () -> path + " is missing: fixtures belong to the sources of it-tests");
        try (InputStream input = new GZIPInputStream(Files.newInputStream(path))) {
            return input.readAllBytes();
        }
    }

    /** Leaked data blocks; anything else that was found fails the test. */
    private static List<Long> leaks(List<Damage> damage) {
        List<Long> result = new ArrayList<>();
        for (Damage each : damage) {
            if (each instanceof Damage.Leak leak && leak.spaceMap() == SpaceMapName.DATA) {
                result.add(leak.block());
            } else {
                throw new AssertionError(each.text());
            }
        }
        return result;
    }

    private static long number(String json, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\": (\\d+)").matcher(json);
        assertTrue(matcher.find(), name);
        return Long.parseLong(matcher.group(1));
    }

    private static List<Long> numbersOf(String json, String name) {
        Matcher list = Pattern.compile("\"" + name + "\": \\[([^\\]]*)\\]").matcher(json);
        assertTrue(list.find(), name);
        List<Long> result = new ArrayList<>();
        Matcher number = Pattern.compile("\\d+").matcher(list.group(1));
        while (number.find()) {
            result.add(Long.valueOf(number.group()));
        }
        return result;
    }

    // "1": { "root": 85, "mapped_blocks": 35, "transaction_id": 0, "creation_time": 0, "snapshotted_time": 7 }
    private static Map<Long, List<Long>> detailsIn(String json) {
        Map<Long, List<Long>> result = new TreeMap<>();
        Matcher device =
                Pattern.compile("\"(\\d+)\": \\{\\s*(\"root\"[^}]*)\\}").matcher(json);
        while (device.find()) {
            String fields = device.group(2);
            result.put(
                    Long.valueOf(device.group(1)),
                    List.of(
                            number(fields, "mapped_blocks"),
                            number(fields, "transaction_id"),
                            number(fields, "creation_time"),
                            number(fields, "snapshotted_time")));
        }
        return result;
    }

    private static Map<Long, List<Long>> detailsOf(TestPool pool) throws IOException {
        Map<Long, List<Long>> result = new TreeMap<>();
        BTreeCursor cursor = pool.details.cursor(pool.detailsRoot, 0);
        while (cursor.next()) {
            long times = cursor.value(2);
            result.put(cursor.key(), List.of(cursor.value(0), cursor.value(1), times & 0xFFFFFFFFL, times >>> 32));
        }
        return result;
    }
}

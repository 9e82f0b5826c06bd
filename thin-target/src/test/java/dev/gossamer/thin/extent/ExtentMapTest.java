package dev.gossamer.thin.extent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.gossamer.io.sim.Seeds;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ExtentMapTest {
    private static final long REGIONS = 5 * 1024;
    private static final long TIB = 1L << 40;
    private static final int BLOCK = 64 << 10;

    private final ExtentMap map = new ExtentMap(REGIONS * Region.BLOCKS);

    @Test
    void itHoldsWhatWasPublishedAndCountsAllOfIt() {
        SplittableRandom random = Seeds.splittable(4);
        Map<Long, long[]> model = new TreeMap<>();
        for (int i = 0; i < 20_000; i++) {
            long number = random.nextInt(40) * REGIONS / 40;
            // In turn more comes than goes and the other way round, down to nothing.
            if (random.nextInt(100) < (i / 1000 % 2 == 0 ? 60 : 5)) {
                long[] region = regionOf(random.nextInt(4));
                map.publish(number, region);
                model.put(number, region);
            } else {
                map.publish(number, null);
                model.remove(number);
            }
            assertSame(model.get(number), map.region(number));
            assertEquals(wordsOf(model), map.words());
        }
        for (long number = 0; number < REGIONS; number++) {
            assertSame(model.get(number), map.region(number));
        }
    }

    private static long[] regionOf(int extents) {
        long[] region = Region.EMPTY;
        for (int i = 0; i < extents; i++) {
            region = Region.with(region, 2 * i, 1, Region.MAPPED, 0, 7);
        }
        return region;
    }

    /**
     * By the documentation: 16 bytes for an extent, 16 for an array, tables of 4 bytes for a slot where they are
     * needed.
     */
    private static long wordsOf(Map<Long, long[]> model) {
        if (model.isEmpty()) {
            return 0;
        }
        long words = 5 + 3; // five slots
        Set<Long> tables = new HashSet<>();
        for (Map.Entry<Long, long[]> each : model.entrySet()) {
            tables.add(each.getKey() / 1024);
            int extents = Region.count(each.getValue());
            words += extents == 0 ? 0 : 2 + 2L * extents;
        }
        return words + tables.size() * (5L + 512);
    }

    @Test
    void theLargestVolumeTakesNothingUntilItIsUsedAndNothingAfterwards() {
        ExtentMap huge = new ExtentMap(65536 * TIB / BLOCK);
        assertEquals(0, huge.words());
        long last = 65536 * TIB / BLOCK / Region.BLOCKS - 1;
        assertNull(huge.region(last));
        huge.publish(last, null);
        assertEquals(0, huge.words());
        huge.publish(last, Region.EMPTY);
        assertSame(Region.EMPTY, huge.region(last));
        assertEquals((8 << 20) / Long.BYTES + 5 + 5 + 512, huge.words(), "8 MiB for 64 PiB, and one table");
        huge.publish(last, null);
        assertEquals(0, huge.words());
        assertNull(huge.region(last));
    }

    @Test
    void aNewSizeForgetsEverything() {
        map.publish(0, Region.EMPTY);
        map.publish(3000, regionOf(2));
        map.reset(2048L * Region.BLOCKS);
        assertEquals(0, map.words());
        assertNull(map.region(0));
        map.publish(3000, regionOf(2));
        assertNull(map.region(3000), "beyond the end");
        assertEquals(0, map.words());
        map.publish(2047, Region.EMPTY);
        assertSame(Region.EMPTY, map.region(2047));
    }
}

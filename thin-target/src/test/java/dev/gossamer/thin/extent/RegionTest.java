package dev.gossamer.thin.extent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RegionTest {
    /** What one block is, in a naive model. */
    private record Cell(int kind, int time, long dataBlock) {}

    @Test
    void randomChangesGiveWhatAModelSays() {
        for (long seed = 1; seed <= 20; seed++) {
            SplittableRandom random = Seeds.splittable(seed);
            Cell[] model = new Cell[Region.BLOCKS];
            long[] region = Region.EMPTY;
            for (int step = 0; step < 400; step++) {
                int start = random.nextInt(Region.BLOCKS);
                int length = 1 + random.nextInt(Math.min(40, Region.BLOCKS - start));
                long[] before = region.clone();
                long[] old = region;
                if (random.nextInt(3) == 0) {
                    region = Region.without(region, start, length);
                    java.util.Arrays.fill(model, start, start + length, null);
                } else {
                    int kind = random.nextInt(8) == 0 ? 1 + random.nextInt(2) : Region.MAPPED;
                    int time = random.nextInt(2) * ((1 << 24) - 1);
                    // Often contiguous with the neighbours, so that merging is exercised.
                    long dataBlock = random.nextBoolean() ? 5000 + start : random.nextLong(1L << 40) - Region.BLOCKS;
                    dataBlock = Math.max(0, dataBlock);
                    region = Region.with(region, start, length, kind, time, dataBlock);
                    for (int i = 0; i < length; i++) {
                        model[start + i] = new Cell(kind, time, dataBlock + i);
                    }
                }
                org.junit.jupiter.api.Assertions.assertArrayEquals(before, old, "a published region was changed");
                check(model, region, "seed " + seed + " step " + step);
            }
        }
    }

    @Test
    void neighboursOfOneTimeAreOneExtentAndOthersAreNot() {
        long[] region = Region.with(Region.EMPTY, 10, 2, Region.MAPPED, 7, 100);
        region = Region.with(region, 12, 3, Region.MAPPED, 7, 102);
        assertEquals(1, Region.count(region));
        assertEquals(5, Region.length(region, 0));
        region = Region.with(region, 15, 1, Region.MAPPED, 8, 105);
        assertEquals(2, Region.count(region), "other time (EM-3)");
        region = Region.with(region, 9, 1, Region.MAPPED, 7, 98);
        assertEquals(3, Region.count(region), "not contiguous on the data device");
    }

    @Test
    void aBlockJoinsTheRunsOnBothItsSides() {
        long[] region = Region.with(Region.EMPTY, 0, 1, Region.MAPPED, 7, 99);
        region = Region.with(region, 12, 2, Region.MAPPED, 7, 102);
        region = Region.with(region, 10, 1, Region.MAPPED, 7, 100);
        assertEquals(3, Region.count(region));
        region = Region.with(region, 11, 1, Region.MAPPED, 7, 101);
        assertEquals(2, Region.count(region), "the gap is closed");
        assertEquals(10, Region.start(region, 1));
        assertEquals(4, Region.length(region, 1));
        assertEquals(103, Region.dataBlock(region, 1, 13));
        region = Region.with(region, 14, 1, Region.MAPPED, 7, 50);
        region = Region.with(region, 9, 1, Region.MAPPED, 7, 99);
        assertEquals(3, Region.count(region));
        assertEquals(9, Region.start(region, 1));
    }

    @Test
    void aWholeRegionIsOneExtent() {
        Region.Builder builder = new Region.Builder();
        for (int i = 0; i < Region.BLOCKS; i++) {
            builder.add(i, Region.MAPPED, 1000 + i, 3);
        }
        long[] region = builder.build();
        assertEquals(1, Region.count(region));
        assertEquals(Region.BLOCKS, Region.length(region, 0));
        assertEquals(1511, Region.dataBlock(region, 0, 511));
        assertEquals(0, builder.build().length, "the builder is empty afterwards");
    }

    private static void check(Cell[] model, long[] region, String where) {
        for (int block = 0; block < Region.BLOCKS; block++) {
            int index = Region.find(region, block);
            if (model[block] == null) {
                assertTrue(index < 0, where + ": block " + block + " should be unmapped");
                int next = -index - 1;
                assertTrue(next == Region.count(region) || Region.start(region, next) > block, where);
                assertTrue(next == 0 || Region.end(region, next - 1) <= block, where);
            } else {
                assertTrue(index >= 0, where + ": block " + block + " should be mapped");
                Cell found = new Cell(
                        Region.kind(region, index), Region.time(region, index), Region.dataBlock(region, index, block));
                assertEquals(model[block], found, where + ": block " + block);
            }
        }
    }
}

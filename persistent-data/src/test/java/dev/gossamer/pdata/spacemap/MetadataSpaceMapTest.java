package dev.gossamer.pdata.spacemap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.OutOfMetadataSpace;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.check.SpaceMapName;
import dev.gossamer.pdata.check.TestPool;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The recursion: counts of blocks that hold counts. */
final class MetadataSpaceMapTest {

    /**
     * Going from 3 to 2 removes an entry of the overflow tree. When a node of that tree then merges with its neighbour,
     * the neighbour, shadowed a moment before, is freed while its first increment is still waiting.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void countsGoingFromThreeToTwoWhileTheOverflowTreeMergesStayExact(long seed) throws Exception {
        SplittableRandom random = Seeds.splittable(seed);
        try (TestPool pool = TestPool.format(new SimulatedDisk(32 << 20), 0, 64)) {
            Map<Long, Long> expected = new HashMap<>();
            for (int i = 0; i < 3000; i++) {
                long block = pool.metadataMap.allocate();
                pool.metadataMap.increment(block);
                pool.metadataMap.increment(block);
                expected.put(block, 3L);
            }
            pool.commit();
            assertCounts(pool, expected, seed);
            for (int round = 0; round < 30; round++) {
                for (int i = 0; i < 90; i++) {
                    Long[] left = expected.keySet().stream()
                            .filter(block -> expected.get(block) > 2)
                            .toArray(Long[]::new);
                    long block = left[random.nextInt(left.length)];
                    pool.metadataMap.decrement(block);
                    expected.put(block, 2L);
                    assertEquals(2, pool.metadataMap.count(block));
                }
                pool.commit();
                assertCounts(pool, expected, seed);
            }
        }
    }

    @Test
    void anEmptyPoolUsesTheNineBlocksThatTheFormatNeedsAndNoMore() throws Exception {
        try (TestPool pool = TestPool.format(new SimulatedDisk(4 << 20), 1024, 64)) {
            assertEquals(9, pool.metadataMap.allocated());
            assertEquals(1024 - 9, pool.metadataMap.free());
            assertEquals(List.of(), pool.damage());
        }
    }

    @Test
    void aDeviceLargerThanTheIndexIsUsedAsFarAsTheIndexReaches() throws Exception {
        long blocks = MetadataSpaceMap.MAX_BLOCKS + 100;
        try (TestPool pool = TestPool.format(new SimulatedDisk(blocks * 4096), 1000, 64)) {
            assertEquals(MetadataSpaceMap.MAX_BLOCKS, pool.metadataMap.blocks());
            assertEquals(List.of(), pool.damage());
        }
    }

    @Test
    void growthWorksWhenEveryOldBlockIsInUse() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(300 * 4096);
        try (TestPool pool = TestPool.format(disk, 100, 64)) {
            // The last commit needs room for itself: leave that much.
            while (pool.metadataMap.free() > 4) {
                pool.metadataMap.allocate();
            }
            pool.commit();
            while (pool.metadataMap.free() > 0) {
                pool.metadataMap.increment(pool.metadataMap.blocks() - pool.metadataMap.free());
            }
            assertThrows(OutOfMetadataSpace.class, pool.metadataMap::allocate);
        }
        try (TestPool pool = TestPool.open(disk, 64)) {
            long used = pool.metadataMap.allocated();
            disk.resize(100_000 * 4096L);
            pool.blocks.grow(100_000);
            pool.metadataMap.extend(100_000);
            pool.commit();
            assertEquals(100_000, pool.metadataMap.blocks());
            // Six bitmaps more, each counted by itself or another.
            assertEquals(used + 6, pool.metadataMap.allocated());
            for (int i = 0; i < 1000; i++) {
                pool.metadataMap.allocate();
            }
            pool.commit();
            assertEquals(used + 6 + 1000, pool.metadataMap.allocated());
        }
    }

    /**
     * With one block left, the search comes around to the block that was picked a moment ago and whose count is still
     * waiting: moving the bitmap must not get it as well.
     */
    @Test
    void aBlockPickedButNotYetCountedIsNotPickedAgain() throws Exception {
        try (TestPool pool = TestPool.format(new SimulatedDisk(10 * 4096), 10, 64)) {
            assertEquals(1, pool.metadataMap.free());
            assertThrows(OutOfMetadataSpace.class, pool.metadataMap::allocate);
        }
        try (TestPool pool = TestPool.format(new SimulatedDisk(11 * 4096), 10, 64)) {
            assertEquals(1, pool.metadataMap.count(pool.metadataMap.allocate()));
            assertThrows(OutOfMetadataSpace.class, pool.metadataMap::allocate);
        }
    }

    @Test
    void wrongTotalsAndHintsOnDiskHideNoSpace() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(4 << 20);
        SpaceMapRoot root;
        try (TestPool pool = TestPool.format(disk, 1000, 64)) {
            pool.commit();
            root = pool.metadataMap.root();
            SealedBlock.edit(disk, root.bitmapRoot(), 160478, block -> {
                block.putInt(16 + 8, 0);
                block.putInt(16 + 12, 16320);
            });
            SealedBlock.edit(disk, 0, 160774, block -> block.putLong(192 + 8, 999));
        }
        try (TestPool pool = TestPool.open(disk, 64)) {
            assertEquals(root.allocated(), pool.metadataMap.allocated());
            assertEquals(root.blocks() - root.allocated(), pool.metadataMap.free());
            pool.createDevice(1);
            pool.commit();
            assertEquals(List.of(), pool.damage());
        }
    }

    /** The counted blocks have no parents: all that the checker may find is that they are counted in vain. */
    private static void assertCounts(TestPool pool, Map<Long, Long> expected, long seed) throws StorageException {
        Map<Long, Long> found = new HashMap<>();
        for (Damage damage : pool.damage()) {
            assertTrue(
                    damage instanceof Damage.Leak leak && leak.spaceMap() == SpaceMapName.METADATA,
                    () -> "seed " + seed + ": " + damage.text());
            Damage.Leak leak = (Damage.Leak) damage;
            found.put(leak.block(), leak.counted());
        }
        assertEquals(expected, found, "seed " + seed);
    }
}

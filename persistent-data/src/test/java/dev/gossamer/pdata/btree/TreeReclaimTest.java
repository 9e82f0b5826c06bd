package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.check.TestPool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A tree goes in small steps (rule MSG-8), and is a sound tree between any two of them; the checker recounts
 * everything.
 */
final class TreeReclaimTest {
    private static final int STEP = 500;

    /** More than 252 leaves of 252 entries: a tree of three levels. */
    private static final int THREE_LEVELS = 70_000;

    private final List<Event> events = new ArrayList<>();
    private final SimulatedDisk disk = new SimulatedDisk(64 << 20);
    private TestPool pool;

    @AfterEach
    void close() {
        pool.close();
    }

    private void fresh() throws StorageException {
        pool = TestPool.format(new Recorder("metadata", disk, events), 400_000, 512);
    }

    /** One step of device 1. Returns the entries taken. */
    private long step() throws StorageException {
        pool.mappingRoot = pool.mappings.reclaim(pool.mappingRoot, 1, STEP);
        return pool.mappings.removedCount();
    }

    private int checkRules(long id) throws StorageException {
        return new TreeRules(pool.mappings.subtrees()).check(pool.mappings.subtreeRoot(pool.mappingRoot, id));
    }

    @Test
    void anExclusiveTreeGoesInBoundedStepsAndGivesEverythingBack() throws Exception {
        fresh();
        pool.createDevice(1);
        pool.commit();
        final long metadataBefore = pool.metadataMap.allocated();
        for (int i = 0; i < THREE_LEVELS; i++) {
            pool.provision(1, i * 3L);
        }
        pool.commit();
        assertEquals(3, checkRules(1));
        long left = THREE_LEVELS;
        int steps = 0;
        while (left > 0) {
            events.clear();
            long taken = step();
            pool.commit();
            assertTrue(taken > 0 && taken <= STEP, "a step took " + taken);
            assertTrue(events.size() < 60, "a step with its commit touched " + events.size() + " blocks");
            left -= taken;
            steps++;
            if (steps % 20 == 0) {
                checkRules(1);
                assertEquals(left, pool.mappingsOf(1).size());
            }
        }
        assertEquals(0, step());
        assertEquals(0, pool.dataMap.allocated());
        pool.commit();
        assertEquals(metadataBefore, pool.metadataMap.allocated());
    }

    @Test
    void sharedNodesGoByOneDecrementEachAndAreNotCopied() throws Exception {
        fresh();
        pool.createDevice(1);
        for (int i = 0; i < THREE_LEVELS; i++) {
            pool.provision(1, i);
        }
        pool.commit();
        pool.snapshot(1, 2);
        // A root of its own, all below it shared but the path to one leaf.
        pool.provision(1, THREE_LEVELS / 2);
        pool.commit();
        Map<Long, Long> kept = pool.mappingsOf(2);
        long shared = pool.metadataMap.allocated();
        long left = THREE_LEVELS;
        int steps = 0;
        long largest = 0;
        while (left > 0) {
            long taken = step();
            assertTrue(taken > 0);
            largest = Math.max(largest, taken);
            left -= taken;
            steps++;
            pool.commit();
            assertTrue(pool.metadataMap.allocated() <= shared + 8, "metadata grew: shared nodes were copied");
            assertEquals(left, pool.mappingsOf(1).size());
            checkRules(1);
        }
        assertTrue(largest > 10_000, "a shared node with all its leaves goes in one step");
        assertTrue(steps < 100, steps + " steps");
        assertEquals(kept, pool.mappingsOf(2));
        checkRules(2);
        assertEquals(THREE_LEVELS, pool.dataMap.allocated());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void everyCommitBetweenStepsIsSoundWhateverIsShared(long seed) throws Exception {
        fresh();
        SplittableRandom random = Seeds.splittable(seed);
        pool.createDevice(1);
        for (int i = 0; i < 12_000; i++) {
            pool.provision(1, random.nextBoolean() ? i : random.nextLong(1L << 40));
        }
        for (long id = 2; id < 5; id++) {
            pool.snapshot(1, id);
            for (int i = 0; i < 200; i++) {
                pool.provision(random.nextBoolean() ? 1 : id, random.nextLong(12_000));
            }
        }
        pool.commit();
        Map<Long, Map<Long, Long>> kept = pool.allMappings();
        kept.remove(1L);
        while (pool.mappedBlocks(1) > 0) {
            long mapped = pool.mappedBlocks(1);
            long taken = step();
            assertTrue(taken > 0);
            pool.setMappedBlocks(1, mapped - taken);
            if (random.nextInt(4) == 0) {
                pool.commit();
                assertEquals(List.of(), pool.damage(), "seed " + seed + ", " + mapped + " were left");
            }
        }
        pool.deleteDevice(1);
        pool.commit();
        assertEquals(List.of(), pool.damage());
        assertEquals(kept, pool.allMappings());
    }
}

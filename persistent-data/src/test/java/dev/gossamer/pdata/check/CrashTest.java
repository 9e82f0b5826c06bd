package dev.gossamer.pdata.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The power fails at every single write and flush of a story, in turn, and any part of the disk's cache survives. What
 * the superblock then leads to is the state of the last commit, or of the one that was under way, without any damage.
 */
final class CrashTest {
    private static final int COMMITS = 12;
    private static final int STEPS_PER_COMMIT = 4;
    private static final int VIRTUAL_BLOCKS = 3000;
    // So few that allocation has to go around, past what the last commit needs.
    private static final long METADATA_BYTES = 40 * 4096;

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void aPowerCutAtAnyOperationLeavesTheLastCommitIntact(long seed) throws Exception {
        SimulatedDisk fresh = new SimulatedDisk(METADATA_BYTES);
        TestPool.format(fresh, 20_000, 64).close();
        long total = operationsOf(fresh, seed);
        assertTrue(total > 3 * COMMITS, "the story is too short");
        for (long cut = 0; cut < total; cut++) {
            try {
                crashAfter(fresh, seed, cut);
            } catch (AssertionError | StorageException e) {
                throw new AssertionError("seed " + seed + ", power cut after operation " + cut, e);
            }
        }
    }

    private static long operationsOf(SimulatedDisk fresh, long seed) throws StorageException {
        PowerSupply power = new PowerSupply();
        try (TestPool pool = TestPool.open(fresh.copy(power), 64)) {
            PoolModel model = new PoolModel(seed, VIRTUAL_BLOCKS);
            for (int commit = 0; commit < COMMITS; commit++) {
                tell(pool, model);
                pool.commit();
            }
        }
        return power.operations();
    }

    private static void crashAfter(SimulatedDisk fresh, long seed, long cut) throws StorageException {
        SimulatedDisk disk = fresh.copy(new PowerSupply());
        PoolModel model = new PoolModel(seed, VIRTUAL_BLOCKS);
        Map<Long, Map<Long, Long>> committed = model.copy();
        Map<Long, Map<Long, Long>> underWay = model.copy();
        boolean failed = false;
        try (TestPool pool = TestPool.open(disk, 64)) {
            disk.powerCutAfter(cut);
            for (int commit = 0; commit < COMMITS && !failed; commit++) {
                try {
                    // Reads fail, too, once the power is gone.
                    tell(pool, model);
                    underWay = model.copy();
                    pool.commit();
                    committed = underWay;
                } catch (StorageException e) {
                    failed = true;
                }
            }
        }
        assertTrue(failed, "the power did not fail");
        disk.crash(Seeds.splittable(seed + cut));
        try (TestPool pool = TestPool.open(disk, 64)) {
            assertEquals(List.of(), pool.damage());
            Map<Long, Map<Long, Long>> found = pool.allMappings();
            if (!found.equals(underWay)) {
                assertEquals(committed, found);
            }
            // And it goes on from there.
            pool.createDevice(999);
            for (int i = 0; i < 300; i++) {
                pool.provision(999, i);
            }
            pool.commit();
            assertEquals(List.of(), pool.damage());
        }
    }

    private static void tell(TestPool pool, PoolModel model) throws StorageException {
        for (int i = 0; i < STEPS_PER_COMMIT; i++) {
            model.step(pool);
        }
    }
}

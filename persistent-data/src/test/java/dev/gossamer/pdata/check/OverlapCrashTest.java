package dev.gossamer.pdata.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.FrozenTransaction;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * As {@link CrashTest}, while transactions overlap: one is written step by step, in any order of its writes, and the
 * next one changes what it likes in between. The superblock leads to the last transaction that was committed or to the
 * one under way, never to anything of the next.
 */
final class OverlapCrashTest {
    private static final int COMMITS = 12;
    private static final int VIRTUAL_BLOCKS = 3000;
    // So few that allocation has to go around, past what two transactions need.
    private static final long METADATA_BYTES = 56 * 4096;

    @ParameterizedTest
    @ValueSource(longs = {21, 22, 23})
    void aPowerCutAtAnyOperationLeavesTheLastCommitOrTheOneUnderWay(long seed) throws Exception {
        SimulatedDisk fresh = new SimulatedDisk(METADATA_BYTES);
        TestPool.format(fresh, 20_000, 64).close();
        PowerSupply power = new PowerSupply();
        Story whole = new Story(seed);
        whole.tell(fresh.copy(power), Integer.MAX_VALUE);
        assertTrue(!whole.failed && power.operations() > 3 * COMMITS, "the story is too short");
        assertTrue(whole.overlaps > COMMITS, "only " + whole.overlaps + " changes while something was written");
        for (long cut = 0; cut < power.operations(); cut++) {
            try {
                crashAfter(fresh, seed, cut);
            } catch (AssertionError | StorageException e) {
                throw new AssertionError("seed " + seed + ", power cut after operation " + cut, e);
            }
        }
    }

    private static void crashAfter(SimulatedDisk fresh, long seed, long cut) throws StorageException {
        SimulatedDisk disk = fresh.copy(new PowerSupply());
        Story story = new Story(seed);
        story.tell(disk, cut);
        assertTrue(story.failed, "the power did not fail");
        disk.crash(Seeds.splittable(seed + cut));
        try (TestPool pool = TestPool.open(disk, 64)) {
            assertEquals(List.of(), pool.damage());
            Map<Long, Map<Long, Long>> found = pool.allMappings();
            if (!found.equals(story.underWay)) {
                assertEquals(story.committed, found);
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

    /** The same in every run, up to the power cut. */
    private static final class Story {
        private final SimLoops loops;
        private final SplittableRandom random;
        private final PoolModel model;
        private Map<Long, Map<Long, Long>> committed;
        private Map<Long, Map<Long, Long>> underWay;
        private boolean failed;
        private int overlaps;

        Story(long seed) {
            loops = new SimLoops(seed, 1, 4096);
            random = Seeds.splittable(-seed);
            model = new PoolModel(seed, VIRTUAL_BLOCKS);
            committed = model.copy();
            underWay = committed;
        }

        void tell(SimulatedDisk disk, long cut) throws StorageException {
            try (TestPool pool = TestPool.open(disk, 64)) {
                disk.powerCutAfter(cut);
                for (int i = 0; i < COMMITS && !failed; i++) {
                    change(pool);
                    begin(pool);
                }
                loops.runUntilIdle();
            }
            loops.close();
        }

        private void change(TestPool pool) {
            try {
                for (int steps = 1 + random.nextInt(5); steps > 0; steps--) {
                    model.step(pool);
                    overlaps += pool.blocks.writer().isIdle() ? 0 : 1;
                    for (int turns = random.nextInt(3); turns > 0; turns--) {
                        loops.runOne();
                    }
                }
            } catch (StorageException e) {
                // Reads fail, too, once the power is gone.
                failed = true;
            }
            loops.runUntilIdle();
        }

        private void begin(TestPool pool) throws StorageException {
            if (!failed) {
                FrozenTransaction frozen;
                try {
                    frozen = pool.freeze();
                } catch (StorageException e) {
                    failed = true;
                    return;
                }
                underWay = model.copy();
                loops.enter(0, () -> pool.blocks.writer().start(frozen, loops.loop(0), null, e -> ended(pool, e)));
            }
        }

        private void ended(TestPool pool, StorageException failure) {
            if (failure == null) {
                pool.tx.committed();
                committed = underWay;
            } else {
                failed = true;
            }
        }
    }
}

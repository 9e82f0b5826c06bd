package dev.gossamer.pdata.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random stories of whole pools against plain maps; after every commit a full recount finds nothing wrong. */
final class PoolModelTest {

    @ParameterizedTest
    @CsvSource({
        // seed, steps, virtual blocks, steps per commit, cache blocks
        "1, 600, 300, 7, 64",
        "2, 600, 3000, 11, 64",
        "3, 800, 40000, 23, 64",
        "4, 800, 40000, 23, 4096",
        "5, 400, 500, 1, 64",
        "6, 1500, 1000000, 60, 64",
        "7, 3000, 2000, 50, 256",
    })
    void aPoolHoldsWhatAMapHoldsAndEveryCountIsExactAfterEachCommit(
            long seed, int steps, long virtualBlocks, int stepsPerCommit, int cacheBlocks) throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        PoolModel model = new PoolModel(seed, virtualBlocks);
        SplittableRandom random = Seeds.splittable(seed);
        TestPool pool = TestPool.format(disk, 200_000, cacheBlocks);
        String last = "";
        try {
            for (int step = 1; step <= steps; step++) {
                last = "step " + step + ": " + model.step(pool);
                if (step % stepsPerCommit == 0) {
                    last += ", commit";
                    pool.commit();
                    switch (random.nextInt(10)) {
                        case 0 -> {
                            pool.close();
                            pool = TestPool.open(disk, cacheBlocks);
                        }
                        case 1 -> {
                            if (pool.heldRoot == 0) {
                                pool.reserveHeld();
                            } else {
                                pool.releaseHeld();
                            }
                        }
                        default -> {}
                    }
                    assertEquals(List.of(), pool.damage());
                    assertEquals(model.devices, pool.allMappings());
                }
            }
        } catch (Exception | AssertionError e) {
            throw new AssertionError("seed " + seed + ", " + last, e);
        } finally {
            pool.close();
        }
    }
}

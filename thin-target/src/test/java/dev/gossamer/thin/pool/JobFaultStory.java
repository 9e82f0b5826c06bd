package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A {@link FaultStory} of jobs: as many at once as there may be, writes and trims in their way, then one more. */
final class JobFaultStory extends FaultStory {
    private static final int BLOCK = SimPool.BLOCK;

    private final DedupeSpec all = DedupeSpec.ALL;
    private CompletableFuture<List<JobInfo>> listed;

    @Override
    void act(SimPool sim, ThinVolume u, ThinVolume v) {
        PoolJobs jobs = sim.pool.jobs();
        start(sim, 0, v, BlockOperation.WRITE, 5L * BLOCK, BLOCK, 0);
        start(sim, 1, u, BlockOperation.WRITE, 5L * BLOCK, BLOCK, 0);
        ask(() -> jobs.cloneRange(new CloneSpec("s", 0, 2L * BLOCK, "v", 2L * BLOCK, false)));
        ask(() -> jobs.defragment("u"));
        ask(() -> jobs.dedupe(all));
        ask(() -> jobs.evacuate(2L * BLOCK, 6L * BLOCK, false));
        for (int i = 0; i < 4; i++) {
            start(sim, 0, v, BlockOperation.WRITE, 2L * BLOCK + 512L * i, 512, 0);
            start(sim, 1, u, BlockOperation.DISCARD, (long) i * BLOCK, BLOCK, 0);
            sim.loops.advance(2_000_000L);
        }
        start(sim, 0, u, BlockOperation.FLUSH, 0, 0, 0);
        sim.loops.advance(10_000_000_000L);
        ask(() -> jobs.shrink(60L * BLOCK));
        sim.loops.advance(10_000_000_000L);
        listed = null;
        ask(() -> listed = jobs.list());
        sim.loops.runUntilIdle();
    }

    @Override
    void assertOver(SimPool sim, String where) {
        if (listed != null && listed.isDone() && !listed.isCompletedExceptionally()) {
            for (JobInfo job : listed.join()) {
                assertTrue(job.state().isFinal(), job + " never ends: " + where);
            }
        }
    }
}

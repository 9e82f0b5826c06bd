package dev.gossamer.thin.pool;

import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.function.LongBinaryOperator;

/** Tells the {@link FaultStory} once. In the program that is loaded by {@link ScarceMemory#loader}. */
public class ScarceMemoryStory implements LongBinaryOperator {
    /** @return whether there was an n-th allocation: 1 or 0 */
    @Override
    public long applyAsLong(long n, long inARow) {
        String where = "allocation " + n + " and " + (inARow - 1) + " more";
        try {
            SimulatedDisk metadata = new SimulatedDisk(1 << 20);
            SimulatedDisk data = new SimulatedDisk(100L * SimPool.BLOCK);
            FaultStory.prepare(metadata, data);
            SimPool sim = SimPool.open(metadata, data, 1, 2);
            sim.loops.expectFaults();
            FaultStory story = story();
            try {
                story.tell(sim, where, () -> ScarceMemory.failAt(n, inARow));
            } finally {
                ScarceMemory.end();
            }
            story.check(metadata, data, where);
        } catch (Exception | AssertionError e) {
            AssertionError failure = new AssertionError(where, e);
            if (ScarceMemory.failure() != null) {
                failure.addSuppressed(ScarceMemory.failure());
            }
            throw failure;
        }
        return ScarceMemory.failure() == null ? 0 : 1;
    }

    FaultStory story() {
        return new FaultStory();
    }

    /** Of jobs. */
    public static final class OfJobs extends ScarceMemoryStory {
        @Override
        FaultStory story() {
            return new JobFaultStory();
        }
    }
}

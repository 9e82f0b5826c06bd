package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.io.sim.Seeds;
import java.util.SplittableRandom;
import java.util.function.LongBinaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The heap is used up at some allocation of a pool's, wherever that is, and at those that follow: in whatever handles
 * the first failure. What a {@link FaultStory} asks for holds.
 */
class ScarceMemoryTest {
    /** Allocations from one that fails to the next: all of them with -Dgossamer.memory.stride=1. */
    private static final int STRIDE = Integer.getInteger("gossamer.memory.stride", 7);

    // Jobs allocate much more.
    private static final int JOBS_STRIDE = Integer.getInteger("gossamer.memory.stride", 30);

    private final SplittableRandom random = Seeds.splittable(7);

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 5})
    void whereverMemoryIsUsedUp(long inARow) throws Exception {
        tell(ScarceMemoryStory.class, inARow, STRIDE);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 5})
    void whereverMemoryIsUsedUpWhileJobsAreUnderWay(long inARow) throws Exception {
        tell(ScarceMemoryStory.OfJobs.class, inARow, JOBS_STRIDE);
    }

    private void tell(Class<? extends ScarceMemoryStory> which, long inARow, int stride) throws Exception {
        LongBinaryOperator story = (LongBinaryOperator) ScarceMemory.loader(getClass())
                .loadClass(which.getName())
                .getDeclaredConstructor()
                .newInstance();
        int places = 0;
        long n = 1L + random.nextInt(stride);
        while (story.applyAsLong(n, inARow) != 0) {
            places++;
            n += 1 + random.nextInt(2 * stride - 1);
        }
        assertTrue(places > 100, places + " places");
    }
}

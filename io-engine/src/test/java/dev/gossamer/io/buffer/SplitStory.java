package dev.gossamer.io.buffer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.gossamer.io.sim.ScarceMemory;
import java.util.function.LongUnaryOperator;

/** Takes a small buffer out of a new pool. In the program that is loaded by {@link ScarceMemory#loader}. */
public final class SplitStory implements LongUnaryOperator {
    private static final int CAPACITY = 256 * IoBufferPool.PAGE_BYTES;

    /** Memory fails at the n-th allocation. @return whether there was one: 1 or 0 */
    @Override
    public long applyAsLong(long n) {
        try (IoBufferPool pool = new IoBufferPool(CAPACITY)) {
            ScarceMemory.failAt(n, 1);
            IoBuffer small = null;
            try {
                small = pool.tryAcquire(1);
            } catch (OutOfMemoryError expected) {
                assertEquals(0, pool.usedBytes());
            }
            ScarceMemory.end();
            if (small != null) {
                small.release();
            }
            assertNotNull(pool.tryAcquire(CAPACITY), () -> "memory is lost for good, as it failed at " + n);
        }
        return ScarceMemory.failure() == null ? 0 : 1;
    }
}

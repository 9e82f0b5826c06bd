package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.worker.PerLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/**
 * Two unaligned READs, of which one waits for memory of the other. In the program that is loaded by {@link
 * ScarceMemory#loader}, or as it is.
 */
public final class UnalignedStory implements LongUnaryOperator {
    private static final int LENGTH_BYTES = 300 << 10;

    private final SimulatedDisk disk = new SimulatedDisk(1 << 20);
    private final List<Integer> answers = new ArrayList<>();

    /** Memory fails at the n-th allocation. @return whether there was one: 1 or 0 */
    @Override
    public long applyAsLong(long n) {
        tell(() -> ScarceMemory.failAt(n, 1), () -> {});
        ScarceMemory.end();
        return ScarceMemory.failure() == null ? 0 : 1;
    }

    /**
     * Tells it.
     *
     * @param beforeIt run first
     * @param atEachSlice run when a slice is to be read, and may throw
     */
    void tell(Runnable beforeIt, Runnable atEachSlice) {
        answers.clear();
        try (SimLoops loops = new SimLoops(1, 1, 1 << 20)) {
            loops.expectFaults();
            PerLoop<IoBufferPool> bounce = new PerLoop<>(List.of(loops.loop(0)), loop -> new IoBufferPool(256 << 10));
            VolumeRequests below = new VolumeRequests(null, disk, null, null, null, null, null, null) {
                @Override
                void serveChecked(BlockRequest slice) {
                    atEachSlice.run();
                    disk.submit(slice);
                }
            };
            UnalignedReads reads = new UnalignedReads(below, bounce, 512);
            loops.enter(0, () -> {
                BlockRequest first = newRead(loops);
                BlockRequest second = newRead(loops);
                beforeIt.run();
                first.guard(reads::read);
                second.guard(reads::read);
            });
            loops.runUntilIdle();
            ScarceMemory.end();
            loops.enter(0, () -> {
                assertEquals(2, answers.size(), "a READ waits for ever");
                assertEquals(0, loops.loop(0).requests().inUse());
                bounce.forEach(pool -> {
                    assertEquals(0, pool.usedBytes(), "memory for slices is lost");
                    pool.close();
                });
            });
        }
    }

    private BlockRequest newRead(SimLoops loops) {
        IoBuffer buffer = loops.loop(0).buffers().acquire(LENGTH_BYTES);
        BlockRequest request =
                loops.loop(0).requests().acquire().transfer(BlockOperation.READ, 1, LENGTH_BYTES, 0, buffer, 0);
        request.push((done, errno) -> {
            answers.add(errno);
            buffer.release();
            done.recycle();
        });
        return request;
    }

    List<Integer> answers() {
        return answers;
    }

    static List<Integer> good() {
        return List.of(Errno.OK, Errno.OK);
    }
}

package dev.gossamer.io.lvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.WatchedDevice;
import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/** A FLUSH of a volume on two disks. In the program that is loaded by {@link ScarceMemory#loader}. */
public final class FlushStory implements LongUnaryOperator {
    private static final int BYTES = 1 << 20;

    private final List<Integer> answers = new ArrayList<>();

    /** Memory fails at the n-th allocation. @return whether there was one: 1 or 0 */
    @Override
    public long applyAsLong(long n) {
        List<LvmDevice.Stretch> stretches = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            LvmDevice.Leg leg = new LvmDevice.Leg(new SimulatedDisk(BYTES), 0);
            stretches.add(new LvmDevice.Stretch((long) i * BYTES, BYTES, BYTES, List.of(leg)));
        }
        BlockDevice volume = WatchedDevice.over(new LvmDevice("a volume", "", stretches, false, () -> {}));
        answers.clear();
        try (SimLoops loops = new SimLoops(1, 1, 1 << 16)) {
            loops.expectFaults();
            flush(loops, volume, n);
            flush(loops, volume, Long.MAX_VALUE / 2);
        }
        assertFalse(volume.health().isFailed(), () -> "the device failed, as memory did at " + n);
        assertEquals(2, answers.size());
        assertEquals(Errno.OK, answers.getLast());
        return ScarceMemory.failure() == null && answers.getFirst() == Errno.OK ? 0 : 1;
    }

    private void flush(SimLoops loops, BlockDevice volume, long n) {
        loops.enter(0, () -> {
            BlockRequest request = loops.loop(0).requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            request.push((done, errno) -> {
                answers.add(errno);
                done.recycle();
            });
            ScarceMemory.failAt(n, 1);
            volume.start(request);
            ScarceMemory.end();
        });
        loops.runUntilIdle();
    }
}

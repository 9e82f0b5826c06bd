package dev.gossamer.io.order;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.io.sim.SimLoops;
import java.util.ArrayDeque;
import java.util.function.LongUnaryOperator;

/**
 * Fills a table of ranges until it has to be enlarged. In the program that is loaded by {@link ScarceMemory#loader}.
 */
public final class EnlargeStory implements LongUnaryOperator {
    private final ArrayDeque<BlockRequest> writes = new ArrayDeque<>();

    /** Memory fails at the n-th allocation for the 65th write. @return whether there was one: 1 or 0 */
    @Override
    public long applyAsLong(long n) {
        try (SimLoops loops = new SimLoops(1, 1, 1 << 16)) {
            loops.enter(0, () -> fill(loops, n));
        }
        return ScarceMemory.failure() == null ? 0 : 1;
    }

    private void fill(SimLoops loops, long n) {
        WriteRanges ranges = new WriteRanges(loops.loop(0));
        for (int i = 0; i <= 300; i++) {
            BlockRequest write = loops.loop(0).requests().acquire();
            writes.add(write.command(BlockOperation.WRITE_ZEROES, i * 4096L, 4096, 0));
            write.push((request, errno) -> request.recycle());
        }
        for (int i = 0; i < 64; i++) {
            begin(ranges, i);
        }
        ScarceMemory.failAt(n, 1);
        try {
            begin(ranges, 64);
        } catch (OutOfMemoryError expected) {
            assertEquals(64, ranges.limit(), "a write that was not added has a slot");
            writes.removeFirst().complete(Errno.EIO);
        }
        ScarceMemory.end();
        for (int i = 65; i <= 300; i++) {
            begin(ranges, i);
            assertNotNull(ranges.youngestBefore(1000, i * 4096L, i * 4096L + 1), () -> "memory failed at " + n);
        }
        while (!writes.isEmpty()) {
            writes.removeFirst().complete(Errno.OK);
        }
        assertEquals(0, ranges.limit());
    }

    private void begin(WriteRanges ranges, int ticket) {
        BlockRequest write = writes.getFirst();
        ranges.add(write).ticket = ticket;
        writes.addLast(writes.removeFirst());
    }
}

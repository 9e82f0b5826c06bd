package dev.gossamer.io.order;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimLoops;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a look has to go through is what is under way, and not what was once. */
class WriteRangesTest {
    private static final int BURST = 3000;

    private final SimLoops loops = new SimLoops(1, 1, 1 << 16);
    private final WriteRanges ranges = new WriteRanges(loops.loop(0));
    private final List<BlockRequest> underWay = new ArrayList<>();
    private long tickets;

    @AfterEach
    void close() {
        loops.enter(0, () -> assertEquals(0, loops.loop(0).requests().inUse()));
        loops.close();
    }

    private BlockRequest begin(long block) {
        BlockRequest write = loops.loop(0).requests().acquire();
        write.command(BlockOperation.WRITE_ZEROES, block * 4096, 4096, 0);
        write.push((request, errno) -> request.recycle());
        ranges.add(write).ticket = tickets++;
        underWay.add(write);
        return write;
    }

    private void end(int index) {
        BlockRequest last = underWay.removeLast();
        BlockRequest ended = index == underWay.size() ? last : underWay.set(index, last);
        ended.complete(Errno.OK);
    }

    /** A burst, after which the device is never idle: always some writes are under way. */
    @Test
    void theLimitComesDownAfterABurstUnderSteadyLoad() {
        loops.enter(0, () -> {
            SplittableRandom random = Seeds.splittable(1);
            for (int i = 0; i < BURST; i++) {
                begin(i);
            }
            assertEquals(BURST, ranges.limit());
            while (underWay.size() > 16) {
                end(random.nextInt(underWay.size()));
            }
            for (int i = 0; i < 2000; i++) {
                begin(BURST + i);
                end(random.nextInt(underWay.size()));
                assertFalse(underWay.isEmpty());
            }
            assertTrue(ranges.limit() <= 128, "a look goes through " + ranges.limit() + " slots for 16 writes");
            while (!underWay.isEmpty()) {
                end(underWay.size() - 1);
            }
            assertEquals(0, ranges.limit());
        });
    }

    @Test
    void aTableThatFindsNoMemoryToGrowGrowsTheNextTime() throws Exception {
        LongUnaryOperator story = (LongUnaryOperator) ScarceMemory.loader()
                .loadClass(EnlargeStory.class.getName())
                .getDeclaredConstructor()
                .newInstance();
        long places = 0;
        while (story.applyAsLong(places + 1) != 0) {
            places++;
        }
        assertTrue(places >= 64, places + " places"); // the new slots, and three arrays
    }

    @Test
    void noRangeIsMissedWhateverSlotsComeAndGo() {
        loops.enter(0, () -> {
            SplittableRandom random = Seeds.splittable(2);
            for (int step = 0; step < 20_000; step++) {
                if (underWay.isEmpty() || (random.nextInt(400) < 210 && underWay.size() < 300)) {
                    begin(step);
                } else {
                    end(random.nextInt(underWay.size()));
                }
                if (!underWay.isEmpty()) {
                    long at = underWay.get(random.nextInt(underWay.size())).offsetBytes();
                    assertTrue(ranges.mayOverlap(at, at + 1), "step " + step);
                    assertNotNull(ranges.youngestBefore(tickets, at, at + 1), "step " + step);
                }
                assertFalse(ranges.mayOverlap(1L << 50, (1L << 50) + 1));
                assertNull(ranges.youngestBefore(tickets, 1L << 50, (1L << 50) + 1));
            }
            while (!underWay.isEmpty()) {
                end(0);
            }
        });
    }
}

package dev.gossamer.io.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestPool;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.ThrowingLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Commands without data, however long and however many, cost a bounded number of units at a time. */
class LongCommandsTest {
    private static final int UNIT = 64 << 10;
    private static final int UNITS = 1024;
    private static final int LARGE = (4 << 20) / UNIT;

    private final SimLoops loops = new SimLoops(1, 1, 1 << 20);
    private final LongCommands commands = new LongCommands();
    private final ArrayDeque<BlockRequest> underWay = new ArrayDeque<>();
    private final List<Integer> ended = new ArrayList<>();
    private final Device device = new Device();
    private int unitsUnderWay;
    private int mostUnits;

    private static final class Device implements ServedDevice {
        private boolean abandoned;

        @Override
        public void serve(BlockRequest request) {}

        @Override
        public void admit(BlockRequest request) {}

        @Override
        public boolean isAbandoned() {
            return abandoned;
        }
    }

    @AfterEach
    void everythingIsGivenBack() {
        loops.enter(0, () -> assertEquals(0, loops.loop(0).requests().inUse()));
        loops.close();
    }

    private void start(long units) {
        loops.enter(0, () -> {
            BlockRequest request = loops.loop(0).requests().acquire();
            request.command(BlockOperation.WRITE_ZEROES, 0, units * UNIT, 0);
            request.push((done, errno) -> {
                ended.add(errno);
                done.recycle();
            });
            commands.serve(request, UNIT, this::take, device);
        });
        loops.runUntilIdle();
    }

    private void take(BlockRequest part) {
        unitsUnderWay += (int) (part.lengthBytes() / UNIT);
        mostUnits = Math.max(mostUnits, unitsUnderWay);
        underWay.add(part);
    }

    private void completeOne(int errno) {
        loops.enter(0, () -> {
            BlockRequest part = underWay.poll();
            unitsUnderWay -= (int) (part.lengthBytes() / UNIT);
            part.complete(errno);
        });
        loops.runUntilIdle();
    }

    @Test
    void aCommandGoesStepByStepAndCoversItsRangeOnce() {
        start(UNITS);
        BitSet covered = new BitSet();
        while (!underWay.isEmpty()) {
            assertEquals(1, underWay.size());
            BlockRequest part = underWay.peek();
            int from = (int) (part.offsetBytes() / UNIT);
            int to = from + (int) (part.lengthBytes() / UNIT);
            assertEquals(covered.cardinality(), from);
            covered.set(from, to);
            completeOne(Errno.OK);
        }
        assertEquals(UNITS, covered.cardinality());
        assertEquals(List.of(Errno.OK), ended);
    }

    /** Beside sixteen that take large steps the others take single units; nobody waits for anybody. */
    @Test
    void manyCommandsTakeSmallSteps() {
        int count = 200;
        for (int i = 0; i < count; i++) {
            start(UNITS);
        }
        assertEquals(count, underWay.size(), "each has a step under way");
        for (int i = 0; i < 1000; i++) {
            completeOne(Errno.OK);
        }
        assertTrue(mostUnits <= 16 * LARGE + count, mostUnits + " units at a time");
        while (!underWay.isEmpty()) {
            completeOne(Errno.OK);
        }
        assertEquals(count, ended.size());
    }

    @Test
    void aStepThatFailsIsTheLast() {
        start(UNITS);
        completeOne(Errno.OK);
        completeOne(Errno.ENOSPC);
        assertEquals(List.of(Errno.ENOSPC), ended);
    }

    @Test
    void noStepFollowsWhenTheUserHasGone() {
        start(UNITS);
        device.abandoned = true;
        completeOne(Errno.OK);
        assertEquals(List.of(Errno.ESHUTDOWN), ended);
        assertTrue(underWay.isEmpty());
    }

    @Test
    void aShortCommandIsServedAsItIs() {
        start(1);
        assertEquals(0, underWay.peek().offsetBytes());
        completeOne(Errno.OK);
        assertEquals(List.of(Errno.OK), ended);
    }

    @Test
    void aStepThatThrowsEndsItsCommandOnceAndNoOtherIsTouched() {
        loops.expectFaults();
        loops.enter(0, () -> {
            BlockRequest request = loops.loop(0).requests().acquire();
            request.command(BlockOperation.WRITE_ZEROES, 0, 4L * LARGE * UNIT, 0);
            request.push((done, errno) -> {
                ended.add(errno);
                done.recycle();
            });
            commands.serve(
                    request,
                    UNIT,
                    part -> {
                        if (part.offsetBytes() > 0) {
                            throw new AssertionError("in the second step");
                        }
                        part.complete(Errno.OK);
                    },
                    device);
        });
        loops.runUntilIdle();
        assertEquals(List.of(Errno.EIO), ended);
        // The same object again: nothing of the command that has ended may still count down on it.
        start(2 * LARGE);
        while (!underWay.isEmpty()) {
            assertEquals(1, ended.size(), "answered before all of it was done");
            completeOne(Errno.OK);
        }
        assertEquals(List.of(Errno.EIO, Errno.OK), ended);
    }

    @Test
    void aStepThatHasNoMemoryForItsTaskOrItsPartEndsTheCommand() {
        loops.expectFaults();
        for (int n = 1; n < 12; n++) {
            ThrowingLoop throwing = new ThrowingLoop(loops.loop(0));
            int before = ended.size();
            int place = n;
            loops.enter(0, () -> {
                BlockRequest request = new RequestPool(throwing).acquire();
                request.command(BlockOperation.WRITE_ZEROES, 0, 4L * LARGE * UNIT, 0);
                request.push((done, errno) -> ended.add(errno));
                throwing.throwAt(place, new OutOfMemoryError("for a step"));
                request.guard(whole -> commands.serve(whole, UNIT, part -> part.complete(Errno.OK), device));
            });
            loops.runUntilIdle();
            assertEquals(before + 1, ended.size(), "answered how often, thrown at call " + n);
        }
    }
}

package dev.gossamer.io.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.RefusingLoop;
import dev.gossamer.io.sim.SimLoops;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Draining the loops of a device: the callback comes after what had entered, and waits for nothing that enters later.
 */
class RequestsInFlightTest {
    private final SimLoops loops = new SimLoops(3, 2, 1 << 16);
    private final RequestsInFlight inFlight =
            new RequestsInFlight(loops.loop(1), List.of(loops.loop(0), loops.loop(1)));
    private final List<String> log = new ArrayList<>();

    private BlockRequest enter(int loop, long offset) {
        List<BlockRequest> made = new ArrayList<>();
        loops.enter(loop, () -> {
            BlockRequest request = loops.loop(loop).requests().acquire().command(BlockOperation.DISCARD, offset, 1, 0);
            request.push((done, errno) -> {
                log.add("done " + done.offsetBytes());
                done.recycle();
            });
            inFlight.enter(request, offset + 1000);
            assertEquals(offset + 1000, request.offsetBytes());
            made.add(request);
        });
        return made.get(0);
    }

    private void complete(int loop, BlockRequest request) {
        loops.enter(loop, () -> request.complete(Errno.OK));
        loops.runUntilIdle();
    }

    private void drain(String name) {
        loops.enter(1, () -> inFlight.drain(() -> log.add("drained " + name)));
        loops.runUntilIdle();
    }

    @Test
    void aDrainWaitsForEveryLoopAndNotForWhatEntersLater() {
        BlockRequest here = enter(1, 1);
        BlockRequest there = enter(0, 2);
        drain("a");
        BlockRequest later = enter(0, 3);
        complete(1, here);
        assertEquals(List.of("done 1"), log);
        complete(0, there);
        assertEquals(List.of("done 1", "done 2", "drained a"), log);
        drain("b");
        assertEquals(3, log.size(), "one is under way");
        complete(0, later);
        assertEquals(List.of("done 3", "drained b"), log.subList(3, 5));
    }

    @Test
    void aDrainDuringAnotherWaitsForWhatEnteredBetween() {
        BlockRequest first = enter(0, 1);
        drain("a");
        BlockRequest second = enter(0, 2);
        drain("b");
        complete(0, second);
        assertEquals(List.of("done 2"), log);
        complete(0, first);
        assertEquals(List.of("done 2", "done 1", "drained a", "drained b"), log);
    }

    @Test
    void aDrainThatThrowsDoesNotHoldUpTheNextOne() {
        loops.expectFaults();
        loops.enter(0, () -> {
            EpochCount count = new EpochCount(loops.loop(0));
            BlockRequest request = loops.loop(0).requests().acquire().command(BlockOperation.DISCARD, 0, 1, 0);
            request.push((done, errno) -> {
                log.add("done " + errno);
                done.recycle();
            });
            count.enter(request, 0);
            count.drain(new EpochCount.Drain(count, () -> {
                throw new AssertionError("a drain");
            }));
            count.drain(new EpochCount.Drain(count, () -> log.add("drained")));
            request.complete(Errno.OK);
        });
        assertEquals(List.of("drained", "done 0"), log);
        assertEquals(1, loops.faults().size(), "told to who watches the loop");
    }

    @Test
    void threadsAreChecked() {
        loops.enter(0, () -> assertThrows(AssertionError.class, () -> inFlight.drain(() -> {})));
        loops.enter(0, () -> {
            BlockRequest request = loops.loop(0).requests().acquire().command(BlockOperation.DISCARD, 0, 1, 0);
            loops.enter(1, () -> assertThrows(AssertionError.class, () -> inFlight.enter(request, 0)));
            request.recycle();
        });
    }

    @Test
    void aLoopThatHasNoMemoryToBeAskedIsAskedAgain() {
        RefusingLoop refusing = new RefusingLoop(loops.loop(0));
        RequestsInFlight of = new RequestsInFlight(loops.loop(1), List.of(refusing, loops.loop(1)));
        refusing.refuse(3);
        loops.enter(1, () -> of.drain(() -> log.add("drained")));
        loops.runUntilIdle();
        assertEquals(List.of("drained"), log);
    }

    @Test
    void aLoopThatHasNoMemoryToTellTheWorkerAsksAgain() {
        RefusingLoop worker = new RefusingLoop(loops.loop(1));
        RequestsInFlight told = new RequestsInFlight(worker, List.of(loops.loop(0), loops.loop(1)));
        loops.enter(1, () -> told.drain(() -> log.add("drained")));
        worker.refuse(3);
        loops.runUntilIdle();
        assertEquals(List.of("drained"), log);
    }
}

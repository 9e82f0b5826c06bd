package dev.gossamer.io.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.sim.RefusingLoop;
import dev.gossamer.io.sim.SimLoops;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The way to a worker and back, on three simulated loops; the last one is the worker's. */
class WorkerQueueTest {
    private static final int LOOPS = 3;
    private static final int WORKER = 2;

    private final SimLoops loops = new SimLoops(7, LOOPS, 1 << 16);
    private final List<String> log = new ArrayList<>();
    private final List<RefusingLoop> refusing = List.of(
            new RefusingLoop(loops.loop(0)), new RefusingLoop(loops.loop(1)), new RefusingLoop(loops.loop(WORKER)));
    private final WorkerQueue queue =
            new WorkerQueue(refusing.get(WORKER), List.of(refusing.get(2), refusing.get(0), refusing.get(1)));

    /** Logs what it is asked; what happens in admission is the test's. */
    private final class Device implements ServedDevice {
        private Consumer<BlockRequest> admission = request -> queue.handBack(request, SERVE_AGAIN);

        @Override
        public void serve(BlockRequest request) {
            assertTrue(request.loop().inLoop());
            log.add("served " + request.offsetBytes());
            request.complete(Errno.OK);
        }

        @Override
        public void admit(BlockRequest request) {
            assertTrue(loops.loop(WORKER).inLoop());
            log.add("admitted " + request.offsetBytes());
            admission.accept(request);
        }

        @Override
        public boolean isAbandoned() {
            return false;
        }
    }

    private final Device device = new Device();

    @BeforeEach
    void begin() {
        queue.begin(new TurnListener() {
            @Override
            public void turnEnded() {
                log.add("turn");
            }

            @Override
            public void failed(Throwable bug) {
                log.add("bug " + bug.getMessage());
            }
        });
    }

    @AfterEach
    void nothingIsLost() {
        for (int i = 0; i < LOOPS; i++) {
            int loop = i;
            loops.enter(loop, () -> assertEquals(0, loops.loop(loop).requests().inUse()));
        }
        loops.close();
    }

    private BlockRequest request(int loop, long offset) {
        BlockRequest request = loops.loop(loop).requests().acquire().command(BlockOperation.DISCARD, offset, 1, 0);
        request.push((done, errno) -> {
            log.add("done " + offset + (errno == Errno.OK ? "" : " " + Errno.name(errno)));
            done.recycle();
        });
        return request;
    }

    private void defer(int loop, long... offsets) {
        loops.enter(loop, () -> {
            for (long offset : offsets) {
                queue.defer(device, request(loop, offset));
            }
        });
    }

    @Test
    void whatArrivesTogetherIsOneTurnInOrderOfArrival() {
        defer(0, 1, 2);
        defer(WORKER, 3);
        loops.runUntilIdle();
        assertEquals(List.of("admitted 1", "admitted 2", "admitted 3", "turn"), log.subList(0, 4));
        assertEquals(10, log.size(), log::toString);
        assertTrue(log.indexOf("served 1") < log.indexOf("done 1"));
        assertTrue(log.indexOf("done 1") < log.indexOf("served 2"));
    }

    @Test
    void aVerdictIsFollowedOnTheRequestsLoop() {
        device.admission = request -> queue.handBack(request, Errno.ENOSPC);
        defer(1, 5);
        loops.runUntilIdle();
        assertEquals(List.of("admitted 5", "turn", "done 5 ENOSPC"), log);
    }

    @Test
    void aRequestThatTheWorkerParksAgainComesInTheNextTurnWithItsProgress() {
        device.admission = request -> {
            if (request.progress() == 2) {
                queue.handBack(request, Errno.OK);
            } else {
                request.setProgress(request.progress() + 1);
                queue.defer(request.parkedBy(), request);
            }
        };
        defer(0, 9);
        loops.runUntilIdle();
        assertEquals(List.of("admitted 9", "turn", "admitted 9", "turn", "admitted 9", "turn", "done 9"), log);
    }

    @Test
    void aBugInOneAdmissionIsToldAndWhateverComesAfterItGetsEio() {
        device.admission = request -> {
            if (request.offsetBytes() == 1) {
                throw new IllegalStateException("of 1");
            }
            queue.handBack(request, Errno.OK);
        };
        defer(0, 1, 2);
        loops.runUntilIdle();
        defer(1, 3);
        loops.runUntilIdle();
        assertEquals(List.of("admitted 1", "bug of 1", "turn", "done 1 EIO", "done 2 EIO", "turn", "done 3 EIO"), log);
    }

    @Test
    void aRequestThatItsAdmissionHasHandedOnBeforeItThrewIsAnsweredOnce() {
        device.admission = request -> {
            queue.handBack(request, Errno.OK);
            throw new OutOfMemoryError("late");
        };
        defer(0, 1, 2);
        loops.runUntilIdle();
        assertEquals(List.of("admitted 1", "bug late", "turn", "done 1", "done 2 EIO"), log);
    }

    @Test
    void aCompletionThatThrowsDoesNotTakeThoseWithItThatCameBackTogether() {
        loops.enter(0, () -> {
            BlockRequest bad = loops.loop(0).requests().acquire().command(BlockOperation.DISCARD, 1, 1, 0);
            bad.push((done, errno) -> {
                done.recycle();
                throw new IllegalStateException("of a completion");
            });
            queue.defer(device, bad);
            queue.defer(device, request(0, 2));
        });
        assertThrows(IllegalStateException.class, loops::runUntilIdle);
        loops.runUntilIdle();
        assertTrue(log.contains("done 2"), log::toString);
    }

    @Test
    void whoeverComesToAWorkerThatHasEndedGetsEio() {
        refusing.get(WORKER).end();
        defer(0, 1, 2);
        defer(1, 3);
        loops.runUntilIdle();
        assertEquals(
                List.of("done 1 EIO", "done 2 EIO", "done 3 EIO"),
                log.stream().sorted().toList());
    }

    @Test
    void ifThereIsNoMemoryToWakeTheWorkerThoseWhoAreThereGetEioAndTheNextAreServed() {
        refusing.get(WORKER).refuse(1);
        defer(0, 1);
        defer(0, 2);
        loops.runUntilIdle();
        assertTrue(log.containsAll(List.of("done 1 EIO", "admitted 2", "served 2", "done 2")), log::toString);
        assertEquals(5, log.size(), log::toString);
    }

    @Test
    void aLoopThatHasNoMemoryForATaskGetsItsRequestsLater() {
        refusing.get(0).refuse(3);
        defer(0, 1);
        defer(1, 2);
        loops.runUntilIdle();
        assertTrue(log.containsAll(List.of("served 1", "done 1", "served 2", "done 2")), log::toString);
    }

    @Test
    void whatComesBackToALoopThatHasEndedIsEndedWhereItIs() {
        loops.enter(0, () -> {
            BlockRequest request = loops.loop(0).requests().acquire().command(BlockOperation.DISCARD, 1, 1, 0);
            request.push((done, errno) -> {
                log.add("done 1 " + Errno.name(errno));
                loops.enter(0, done::recycle);
            });
            queue.defer(device, request);
        });
        refusing.get(0).end();
        loops.runUntilIdle();
        assertEquals(List.of("admitted 1", "done 1 EIO", "turn"), log);
    }

    @Test
    void theWorkersStateIsItsLoopsAlone() {
        loops.enter(0, () -> {
            BlockRequest request = request(0, 1);
            assertThrows(AssertionError.class, () -> queue.handBack(request, Errno.OK));
            assertThrows(AssertionError.class, queue::checkThread);
            request.complete(Errno.OK);
        });
    }

    @Test
    void aRequestIsParkedByItsOwnLoop() {
        loops.enter(0, () -> {
            BlockRequest request = request(0, 1);
            loops.enter(1, () -> assertThrows(AssertionError.class, () -> queue.defer(device, request)));
            request.complete(Errno.OK);
        });
    }
}

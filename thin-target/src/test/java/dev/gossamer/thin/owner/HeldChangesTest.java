package dev.gossamer.thin.owner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ForwardingLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.metadata.SurveyFindings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of changes while it is in doubt whose the pool is: here, before anybody has claimed it. */
class HeldChangesTest {
    private static final long SECOND_NANOS = 1_000_000_000;

    /** Counts timers, and may have no memory for one. */
    private static final class TimerLoop extends ForwardingLoop {
        private int timers;
        private boolean outOfMemory;

        TimerLoop(IoLoop loop) {
            super(loop);
        }

        @Override
        public void schedule(Runnable task, long delayNanos) {
            if (outOfMemory) {
                throw new OutOfMemoryError("for a timer");
            }
            timers++;
            super.schedule(task, delayNanos);
        }
    }

    private final SimLoops loops = new SimLoops(1, 1, 1 << 16);
    private final SimulatedDisk disk = new SimulatedDisk(1 << 20);
    private final PoolOwnership ownership = new PoolOwnership(loops.loop(0), new StillHost(), Seeds.splittable(1));
    private final BlockDevice device = ownership.guarded(PoolOwnership.Role.DATA, disk);
    private final List<String> answers = new ArrayList<>();
    private final List<CompletableFuture<Void>> claimed = new ArrayList<>();

    @AfterEach
    void nothingIsLost() {
        loops.enter(0, () -> assertEquals(0, loops.loop(0).requests().inUse()));
        loops.close();
    }

    private void discard(int count) {
        loops.enter(0, () -> {
            for (int i = 0; i < count; i++) {
                BlockRequest request =
                        loops.loop(0).requests().acquire().command(BlockOperation.DISCARD, i * 4096L, 4096, 0);
                String name = answers.size() + "/" + i;
                request.push((done, errno) -> {
                    answers.add(name + " " + Errno.name(errno));
                    done.recycle();
                });
                device.start(request);
            }
        });
    }

    private void claim() {
        loops.enter(0, () -> {
            OwnerPlace place = new OwnerPlace(
                    new byte[SuperblockImages.BYTES], OwnerPlace.NONE, false, false, SurveyFindings.NONE);
            claimed.add(ownership.claim(place, disk, disk, false));
        });
        loops.runUntilIdle();
        loops.enter(0, () -> {
            assertTrue(claimed.getFirst().isDone(), "there is no slot to be written");
            answers.add("claimed");
        });
        loops.runUntilIdle();
    }

    @Test
    void theyGoOnInOrderWhenTheDoubtIsOver() {
        discard(20);
        loops.advance(SECOND_NANOS);
        assertEquals(List.of(), answers);
        claim();
        loops.advance(SECOND_NANOS);
        assertEquals(21, answers.size());
        assertArrayEquals(new byte[4096], disk.readNow(0, 4096));
        for (int i = 0; i < 20; i++) {
            assertTrue(answers.get(i + 1).startsWith("0/" + i + " "), answers::toString);
        }
    }

    @Test
    void allOfALoopHaveOneTimer() {
        TimerLoop loop = new TimerLoop(loops.loop(0));
        HeldChanges held = new HeldChanges(loop, change -> HeldChanges.Verdict.WAIT, change -> {});
        loops.enter(0, () -> hold(held, 1000));
        loops.advance(SECOND_NANOS);
        assertEquals(SECOND_NANOS / HeldChanges.LOOK_NANOS + 1, loop.timers);
        loops.advance(HeldChanges.PATIENCE_NANOS);
        int timers = loop.timers;
        loops.advance(SECOND_NANOS);
        assertEquals(timers, loop.timers, "nobody waits any more");
        assertEquals(1000, answers.size());
    }

    private void hold(HeldChanges held, int count) {
        for (int i = 0; i < count; i++) {
            BlockRequest request = loops.loop(0).requests().acquire().command(BlockOperation.DISCARD, 0, 4096, 0);
            request.push((done, errno) -> {
                answers.add(Errno.name(errno));
                done.recycle();
            });
            held.add(request);
        }
    }

    @Test
    void whatWaitsTooLongEndsWithEio() {
        discard(3);
        loops.advance(HeldChanges.PATIENCE_NANOS - SECOND_NANOS);
        discard(1);
        assertEquals(List.of(), answers);
        loops.advance(SECOND_NANOS);
        assertEquals(List.of("0/0 EIO", "0/1 EIO", "0/2 EIO"), answers);
        loops.advance(HeldChanges.PATIENCE_NANOS);
        assertEquals(4, answers.size());
    }

    @Test
    void whatWaitsWhenTheDeviceIsClosedIsEndedAtOnce() {
        discard(3);
        device.close();
        loops.runUntilIdle();
        assertEquals(List.of("0/0 ESHUTDOWN", "0/1 ESHUTDOWN", "0/2 ESHUTDOWN"), answers);
        discard(1);
        assertEquals("3/0 ESHUTDOWN", answers.getLast());
    }

    @Test
    void whatIsBeyondTheLimitIsRefused() {
        loops.enter(
                0,
                () -> hold(
                        new HeldChanges(loops.loop(0), change -> HeldChanges.Verdict.WAIT, change -> {}),
                        HeldChanges.LIMIT + 2));
        assertEquals(List.of("EIO", "EIO"), answers);
        loops.advance(HeldChanges.PATIENCE_NANOS + SECOND_NANOS);
        assertEquals(HeldChanges.LIMIT + 2, answers.size());
    }

    @Test
    void withoutMemoryForATimerNobodyWaits() {
        loops.expectFaults();
        TimerLoop loop = new TimerLoop(loops.loop(0));
        loop.outOfMemory = true;
        loops.enter(0, () -> hold(new HeldChanges(loop, change -> HeldChanges.Verdict.WAIT, change -> {}), 2));
        assertEquals(List.of("EIO", "EIO"), answers);
        assertFalse(loops.faults().isEmpty());
    }

    @Test
    void aQuestionThatThrowsEndsItsChangeAndTheLineGoesOn() {
        loops.expectFaults();
        boolean[] throwing = {true};
        HeldChanges held = new HeldChanges(
                loops.loop(0),
                change -> {
                    if (throwing[0]) {
                        throwing[0] = false;
                        throw new AssertionError("a bug");
                    }
                    return HeldChanges.Verdict.GO;
                },
                change -> change.complete(Errno.OK));
        loops.enter(0, () -> {
            for (int i = 0; i < 3; i++) {
                BlockRequest request = loops.loop(0).requests().acquire().command(BlockOperation.DISCARD, i, 1, 0);
                request.push((done, errno) -> {
                    answers.add(Errno.name(errno));
                    done.recycle();
                });
                held.add(request);
            }
        });
        loops.advance(HeldChanges.LOOK_NANOS);
        assertEquals(List.of("EIO", "OK", "OK"), answers);
    }
}

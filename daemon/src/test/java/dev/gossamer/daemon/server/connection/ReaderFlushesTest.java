package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.RefusingLoop;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who may only read has its FLUSHes carried out, and cannot make a disk sync as hard as it likes. */
class ReaderFlushesTest {
    private static final long SECOND_NANOS = 1_000_000_000;

    /** A connection's handle on a disk, which counts. */
    private static final class Handle extends ForwardingDevice {
        private int flushes;
        private int errno = Errno.OK;

        Handle(BlockDevice disk) {
            super(disk);
        }

        @Override
        public void submit(BlockRequest request) {
            assertEquals(BlockOperation.FLUSH, request.operation());
            flushes++;
            if (errno == Errno.OK) {
                below.submit(request);
            } else {
                request.complete(errno);
            }
        }
    }

    private final SimLoops loops = new SimLoops(1, 1, 4096);
    private final RefusingLoop loop = new RefusingLoop(loops.loop(0));
    private final ReaderFlushes flushes = new ReaderFlushes(loop);
    private final SimulatedDisk disk = new SimulatedDisk(4096);
    private final Handle first = new Handle(disk);
    private final Handle second = new Handle(disk);
    private final List<String> answers = new ArrayList<>();

    @AfterEach
    void nothingIsLeft() {
        loops.enter(0, () -> assertEquals(0, loops.loop(0).requests().inUse()));
        loops.close();
    }

    private void flush(Handle handle, String name, Runnable then) {
        BlockRequest request = loops.loop(0).requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
        request.push((done, errno) -> {
            answers.add(name + " " + errno);
            done.recycle();
            then.run();
        });
        flushes.start(request, handle);
    }

    private void flush(Handle handle, String name) {
        loops.enter(0, () -> flush(handle, name, () -> {}));
        loops.runUntilIdle();
    }

    /** One after the other, as fast as they are answered. */
    private void flushForEver(Handle handle, int[] left) {
        if (left[0]-- > 0) {
            flush(handle, "again", () -> flushForEver(handle, left));
        }
    }

    @Test
    void theFirstGoesAtOnceAndAllAreCarriedOutInTheEnd() {
        flush(first, "a");
        assertEquals(List.of("a 0"), answers);
        flush(first, "b");
        flush(second, "c");
        assertEquals(List.of("a 0"), answers);
        loops.advance(ReaderFlushes.PERIOD_NANOS);
        assertEquals(List.of("a 0", "b 0", "c 0"), answers);
        loops.advance(ReaderFlushes.PERIOD_NANOS);
        flush(second, "d");
        assertEquals(List.of("a 0", "b 0", "c 0", "d 0"), answers);
        loops.advance(ReaderFlushes.PERIOD_NANOS);
    }

    @Test
    void whoAsksWithoutEndIsServedAFewTimesASecond() {
        int[] left = {1_000_000};
        loops.enter(0, () -> flushForEver(first, left));
        for (int i = 0; i < 100; i++) {
            loops.advance(SECOND_NANOS / 100);
        }
        assertTrue(first.flushes >= 9 && first.flushes <= 11, first.flushes + " in a second");
        left[0] = 0;
        loops.advance(SECOND_NANOS);
    }

    @Test
    void thoseOfOneConnectionThatWaitSideBySideShareOneAndItsError() {
        flush(first, "a");
        for (int i = 0; i < 200; i++) {
            flush(first, "b");
        }
        flush(second, "c");
        first.errno = Errno.EIO;
        loops.advance(ReaderFlushes.PERIOD_NANOS);
        assertEquals(2, first.flushes);
        assertEquals(1, second.flushes);
        assertEquals(202, answers.size());
        assertEquals(200, answers.stream().filter(("b " + Errno.EIO)::equals).count());
        assertTrue(answers.contains("c 0"));
        loops.advance(ReaderFlushes.PERIOD_NANOS);
    }

    @Test
    void withoutATimerNothingWaits() {
        loops.expectFaults();
        loop.refuseTimers(2);
        flush(first, "a");
        flush(first, "b");
        assertEquals(List.of("a 0", "b 0"), answers);
    }
}

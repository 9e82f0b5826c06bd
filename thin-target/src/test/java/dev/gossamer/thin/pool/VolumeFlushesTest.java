package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.commit.Durability;
import dev.gossamer.thin.device.ThinDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A FLUSH on a loop while the worker aborts what it would have covered (G-6): whichever of the abort's two marks the
 * loop sees, the answer is not OK.
 */
class VolumeFlushesTest {
    private static final int BLOCK = SimPool.BLOCK;

    private final SimLoops loops = new SimLoops(1, 1, 1 << 20);
    private final ThinDevice device = new ThinDevice(0, BLOCK, BLOCK, null);
    private final SimulatedDisk data = new SimulatedDisk(BLOCK);

    /** When the abort is done, of the three moments that a loop leaves to it. */
    enum Abort {
        BEFORE_THE_LOOP_ASKS_FOR_CHANGES,
        AFTER_IT_HAS_HEARD_OF_SOME,
        WHILE_IT_WAITS_FOR_THE_COMMIT
    }

    @AfterEach
    void close() {
        loops.close();
    }

    /** A worker that marks what it loses, and then says that nothing is uncommitted. */
    private final class Aborting implements Durability {
        private final Abort when;
        private boolean uncommitted = true;

        Aborting(Abort when) {
            this.when = when;
        }

        private void abort() {
            device.loseChanges();
            uncommitted = false;
        }

        @Override
        public boolean isUncommitted(ThinDevice its) {
            if (when == Abort.BEFORE_THE_LOOP_ASKS_FOR_CHANGES) {
                abort();
            }
            boolean answer = uncommitted;
            if (when == Abort.AFTER_IT_HAS_HEARD_OF_SOME) {
                abort();
            }
            return answer;
        }

        @Override
        public void waitForCommit(BlockRequest request) {
            abort();
            request.complete(Errno.OK); // the next commit, which has nothing of what was lost
        }
    }

    @ParameterizedTest
    @EnumSource
    void noFlushBetweenTheMarksOfAnAbortSaysOk(Abort when) {
        VolumeFlushes flushes = new VolumeFlushes(device, data, new Aborting(when));
        int[] answer = {-1};
        loops.enter(0, () -> {
            BlockRequest flush = loops.loop(0).requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            flush.push((done, errno) -> {
                answer[0] = errno;
                done.recycle();
            });
            flushes.stabilize(flush);
        });
        loops.runUntilIdle();
        assertEquals(Errno.EIO, answer[0]);
    }
}

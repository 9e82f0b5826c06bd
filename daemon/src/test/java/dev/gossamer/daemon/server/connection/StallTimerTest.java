package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A timer that has thrown once would not be run again: stalled clients would hold memory for ever. */
class StallTimerTest {
    /** Keeps what it is to repeat for the test to run. */
    private static final class KeptTimer extends ScheduledThreadPoolExecutor {
        private final List<Runnable> repeated = new ArrayList<>();

        KeptTimer() {
            super(1);
        }

        @Override
        public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, long initial, long delay, TimeUnit unit) {
            repeated.add(task);
            return null;
        }
    }

    /** Looks at the loops; the first one meets a bug. */
    private static final class Loads extends AbstractList<LoopLoad> {
        private int looks;

        @Override
        public LoopLoad get(int index) {
            if (looks++ == 0) {
                throw new AssertionError("a bug");
            }
            return new LoopLoad(null); // nobody waits for memory
        }

        @Override
        public int size() {
            return 1;
        }
    }

    @Test
    @SuppressWarnings("try") // its timer is run by hand
    void aLookThatThrowsIsNotTheLastOne() {
        KeptTimer kept = new KeptTimer();
        Loads loads = new Loads();
        try (StallTimer timer = new StallTimer(new ConnectionRegistry(), loads, ConnectionLimits.DEFAULT, kept)) {
            for (int i = 0; i < 3; i++) {
                kept.repeated.getFirst().run();
            }
            assertEquals(3, loads.looks);
        }
    }
}

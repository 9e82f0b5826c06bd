package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LogLimitTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private static int admitted(LogLimit limit, long fromNanos, int lines, long stepNanos) {
        int admitted = 0;
        for (int i = 0; i < lines; i++) {
            admitted += limit.admits(fromNanos + i * stepNanos) ? 1 : 0;
        }
        return admitted;
    }

    @Test
    void oneLineASecondAndTheRestIsCounted() {
        // Times that overflow on the way: nanoTime promises no zero.
        long start = Long.MAX_VALUE - 2 * SECOND;
        LogLimit limit = LogLimit.onePerSecond();
        assertEquals(1, admitted(limit, start, 325, 150_000));
        assertEquals(324, limit.takeLeftOut());
        assertEquals(0, limit.takeLeftOut());
        assertEquals(10, admitted(limit, start + 10 * SECOND, 10, SECOND));
        assertEquals(0, limit.takeLeftOut());
    }

    @Test
    void aBurstThenOneASecond() {
        LogLimit limit = LogLimit.fiftyThenOnePerSecond();
        assertEquals(50, admitted(limit, 5, 1000, 1));
        assertEquals(950, limit.takeLeftOut());
        assertEquals(1, admitted(limit, SECOND + 5, 100, 1));
        assertEquals(50, admitted(limit, 1000 * SECOND, 100, 1));
    }
}

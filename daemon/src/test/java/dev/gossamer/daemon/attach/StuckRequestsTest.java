package dev.gossamer.daemon.attach;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** With lines as a kernel 6.1 writes them, and a time-out of 5 s. */
class StuckRequestsTest {
    private final StuckRequests stuck = new StuckRequests(5);

    private static String line(int reads, int writes, int inFlight, int discards, int flushes) {
        return "  %d 0 8 0 %d 3 400 12 %d 80 91 %d 0 0 0 %d 7".formatted(reads, writes, inFlight, discards, flushes);
    }

    private boolean look(String stat, int seconds) {
        return stuck.look(stat, Long.MAX_VALUE - 3 + TimeUnit.SECONDS.toNanos(seconds)); // clocks may turn over
    }

    @Test
    void whatWaitsForLongerThanTheTimeOutIsStuck() {
        assertFalse(look(line(1, 1, 2, 0, 0), 0));
        assertFalse(look(line(1, 1, 2, 0, 0), 5));
        assertTrue(look(line(1, 1, 3, 0, 0), 6), "others that come change nothing");
    }

    @Test
    void anyRequestThatEndsBeginsItAnew() {
        look(line(1, 1, 1, 1, 1), 0);
        assertFalse(look(line(2, 1, 1, 1, 1), 6));
        assertFalse(look(line(2, 2, 1, 1, 1), 12));
        assertFalse(look(line(2, 2, 1, 2, 1), 18));
        assertFalse(look(line(2, 2, 1, 2, 2), 24));
        assertTrue(look(line(2, 2, 1, 2, 2), 30));
    }

    @Test
    void anIdleDeviceIsNotStuck() {
        assertFalse(look(line(1, 1, 0, 0, 0), 0));
        assertFalse(look(line(1, 1, 0, 0, 0), 100));
        assertFalse(look(line(1, 1, 1, 0, 0), 101), "this one has just come");
        assertTrue(look(line(1, 1, 1, 0, 0), 106));
    }

    @Test
    void whatIsNoLineOfFiguresSaysNothing() {
        for (String line : new String[] {"", "x", "1 2 3", "a b c d e f g h i j k l m n o p"}) {
            assertFalse(look(line, 0), line);
            assertFalse(look(line, 100), line);
        }
    }
}

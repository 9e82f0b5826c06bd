package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** How much is under way to a server, by how long its answers take. */
class SendWindowTest {
    private static final int MIB = 1 << 20;
    private static final long SECOND = 1_000_000_000;

    private final SendWindow window = new SendWindow(32 * MIB);

    private void grow() {
        for (int i = 0; i < 40; i++) {
            window.answered(MIB, 1_000_000, i);
        }
        assertEquals(32 * MIB, window.bytes());
    }

    @Test
    void itBeginsSmallAndDoublesWithWhatIsAnsweredInTime() {
        assertEquals(MIB, window.bytes());
        window.answered(MIB, 1_000_000, 0);
        assertEquals(2 * MIB, window.bytes());
        grow();
    }

    @Test
    void itHalvesOnceASecondWhileAnswersAreLate() {
        grow();
        for (int i = 0; i < 10; i++) {
            window.answered(MIB, SECOND, SECOND + i);
        }
        assertEquals(16 * MIB, window.bytes());
        for (int second = 2; second < 20; second++) {
            window.answered(MIB, 5 * SECOND, second * SECOND);
        }
        assertEquals(SendWindow.LEAST_BYTES, window.bytes());
        grow();
    }

    @Test
    void commandsWithoutDataSayNothingOfTheWay() {
        grow();
        window.answered(0, 20 * SECOND, 20 * SECOND);
        assertEquals(32 * MIB, window.bytes());
    }

    @Test
    void aSmallLimitIsKept() {
        SendWindow small = new SendWindow(4096);
        small.answered(MIB, 0, 0);
        small.answered(MIB, 2 * SECOND, 0);
        assertEquals(4096, small.bytes());
    }
}

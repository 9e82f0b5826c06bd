package dev.gossamer.thin.space;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Rules DI-5, DI-12. */
final class DiscardPaceTest {
    private static final long MILLI = 1_000_000;

    private final DiscardPace pace = new DiscardPace();

    private void fast(int discards) {
        for (int i = 0; i < discards; i++) {
            pace.ended(pace.blocks(), MILLI / 100);
        }
    }

    @Test
    void beginsWithOneBlockAndDoublesWhileAllIsFast() {
        assertEquals(1, pace.blocks());
        fast(3);
        assertEquals(8, pace.blocks());
        fast(10);
        assertEquals(DiscardPace.MAX_BLOCKS, pace.blocks());
    }

    @Test
    void aShortRunSaysNothingOfALongOne() {
        fast(3);
        pace.ended(7, MILLI / 100);
        assertEquals(8, pace.blocks());
    }

    @Test
    void afterASlowOneAsMuchAsWouldHaveBeenInTime() {
        fast(10);
        pace.ended(32, 16 * MILLI);
        assertEquals(8, pace.blocks());
        pace.ended(2, 8 * MILLI);
        assertEquals(1, pace.blocks());
        pace.ended(1, 1000 * MILLI);
        assertEquals(1, pace.blocks());
    }

    @Test
    void neitherGrowsNorShrinksNearTheTarget() {
        fast(3);
        pace.ended(8, 3 * MILLI);
        assertEquals(8, pace.blocks());
    }

    @Test
    void pausesAsLongAsItWorked() {
        assertEquals(0, pace.ended(1, MILLI));
        assertEquals(0, pace.ended(1, MILLI - 1));
        assertEquals(3 * MILLI - 1, pace.ended(1, MILLI));
        assertEquals(0, pace.ended(1, MILLI), "counts from the pause");
        assertEquals(100 * MILLI, pace.ended(1, 5000 * MILLI), "but no pause is longer");
    }

    @Test
    void aClockThatStepsBackHarmsNothing() {
        assertEquals(0, pace.ended(1, -5));
        assertEquals(2, pace.blocks());
    }
}

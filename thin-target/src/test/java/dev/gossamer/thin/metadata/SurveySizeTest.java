package dev.gossamer.thin.metadata;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** A pool whose survey would not fit into the heap opens without one, and does not end the daemon. */
class SurveySizeTest {
    private static final long HEAP = 256L << 20;
    private static final long TEBIBYTE_IN_BLOCKS = 1L << 24;

    @Test
    void aSurveyTakesAQuarterOfTheHeapAtMost() {
        assertTrue(PoolSurvey.fits(TEBIBYTE_IN_BLOCKS / 2, 1 << 16, HEAP));
        assertFalse(PoolSurvey.fits(3 * TEBIBYTE_IN_BLOCKS, 1 << 16, HEAP));
        assertFalse(PoolSurvey.fits(1000, PoolSurvey.MAX_BLOCKS, HEAP));
        assertFalse(PoolSurvey.fits(1000, PoolSurvey.MAX_BLOCKS + 1, 64 * HEAP));
    }
}

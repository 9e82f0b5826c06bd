package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class DurationHistogramTest {
    @Test
    void eachFallsIntoTheFirstBucketThatHoldsIt() {
        DurationHistogram histogram = new DurationHistogram();
        histogram.add(0);
        histogram.add(100_000);
        histogram.add(100_001);
        histogram.add(30_000_000_000L);
        histogram.add(30_000_000_001L);
        assertEquals(2, histogram.count(0));
        assertEquals(1, histogram.count(1));
        assertEquals(1, histogram.count(DurationHistogram.buckets() - 2));
        assertEquals(1, histogram.count(DurationHistogram.buckets() - 1));
        assertEquals(60.000200002, histogram.sumSeconds(), 1e-9);
    }

    @Test
    void boundsGoFromATenthOfAMillisecondToHalfAMinuteAndBeyond() {
        assertEquals(17, DurationHistogram.buckets());
        assertEquals(1e-4, DurationHistogram.boundSeconds(0));
        assertEquals(30, DurationHistogram.boundSeconds(15));
        assertTrue(Double.isInfinite(DurationHistogram.boundSeconds(16)));
        for (int i = 1; i < DurationHistogram.buckets(); i++) {
            assertTrue(DurationHistogram.boundSeconds(i) > DurationHistogram.boundSeconds(i - 1));
        }
    }
}

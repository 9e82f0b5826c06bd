package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Ranges agree with one bit per byte. */
final class ArrivedRangesTest {
    @Test
    void rangesAgreeWithBits() {
        for (int seed = 0; seed < 2_000; seed++) {
            Random random = Seeds.random(seed);
            ArrivedRanges coverage = new ArrivedRanges();
            BitSet bits = new BitSet();
            for (int i = 0; i < 60; i++) {
                int start = random.nextInt(100);
                int end = Math.min(100, start + 1 + random.nextInt(1 + random.nextInt(20)));
                boolean free = bits.get(start, end).isEmpty();
                assertEquals(free, coverage.add(start, end), "seed " + seed + " range " + start + " to " + end);
                bits.set(start, end);
                if (!free) {
                    break;
                }
                assertEquals(bits.cardinality() == 100, coverage.isWhole(0, 100), "seed " + seed);
            }
        }
    }

    @Test
    void thePiecesAreBounded() {
        ArrivedRanges coverage = new ArrivedRanges();
        for (long i = 0; i < ArrivedRanges.RANGE_LIMIT; i++) {
            assertTrue(coverage.add(2 * i, 2 * i + 1));
        }
        assertFalse(coverage.add(-2, -1));
        assertTrue(coverage.add(1, 2), "closing a gap needs no room");
    }

    @Test
    void nothingIsCoveredByNothing() {
        assertTrue(new ArrivedRanges().isWhole(7, 7));
        assertFalse(new ArrivedRanges().isWhole(7, 8));
    }
}

package dev.gossamer.thin.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class ReplacementsTest {
    private final Replacements replacements = new Replacements();

    /** As of one block that is all over a large pool: each that is full is followed by the next. */
    @Test
    void aLongRowIsWalkedOnce() {
        int row = 100_000;
        for (int i = 0; i < row; i++) {
            replacements.put(i, i + 1);
        }
        for (int i = 0; i < 16_384; i++) {
            assertEquals(row, replacements.of(0));
        }
        assertTrue(replacements.hops() <= row + 16_384L, replacements.hops() + " hops");
        assertEquals(row, replacements.of(row / 2));
    }

    @Test
    void itKeepsSoManyAndGoesInNoCircle() {
        for (int i = 0; i < 2 * Replacements.MAX; i++) {
            replacements.put(i, i + 1);
        }
        assertEquals(Replacements.MAX, replacements.size());
        assertEquals(Replacements.MAX, replacements.of(0));
        replacements.clear();
        replacements.put(1, 2);
        replacements.put(2, 1);
        assertEquals(2, replacements.of(1));
        assertEquals(2, replacements.of(2));
    }
}

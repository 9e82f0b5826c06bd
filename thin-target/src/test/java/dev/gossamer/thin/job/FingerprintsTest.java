package dev.gossamer.thin.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FingerprintsTest {
    /** What the command's help says. */
    @Test
    void tenTebibytesTakeSoManyPasses() {
        long blocks = (10L << 40) / (64 << 10);
        assertEquals(46, Math.ceilDiv(blocks, Fingerprints.entriesIn((256L << 20) / 8)));
        assertEquals(7, Math.ceilDiv(blocks, Fingerprints.entriesIn((1728L << 20) / 8)));
        assertEquals((1728L << 20) / 8, DedupeJob.MAX_MEMORY_BYTES);
    }

    private static final int BLOCKS = 20_000;

    /** Such as blocks of which only the first half was ever written: a fingerprint has a half of its own for each. */
    @ParameterizedTest
    @ValueSource(longs = {0xFFFF_FFFF_0000_0000L, 0x0000_0000_FFFF_FFFFL, -1})
    void blocksThatAreEqualInOneHalfAreNotTakenForEachOther(long differing) {
        SplittableRandom random = Seeds.splittable(14);
        Fingerprints fingerprints = new Fingerprints(BLOCKS);
        long[] noted = new long[BLOCKS];
        int mistaken = 0;
        for (int i = 0; i < BLOCKS; i++) {
            noted[i] = (0x1234_5678_9ABC_DEF0L & ~differing) | (random.nextLong() & differing);
            if (fingerprints.putIfAbsent(noted[i], i) != Fingerprints.NONE) {
                mistaken++;
            }
        }
        assertTrue(mistaken <= 2, mistaken + " of " + BLOCKS + " are taken for another one");
        int lost = 0;
        for (int i = 0; i < BLOCKS; i++) {
            if (fingerprints.putIfAbsent(noted[i], BLOCKS + i) != i) {
                lost++;
            }
        }
        assertTrue(lost <= 4, lost + " of " + BLOCKS + " equals are not found");
    }

    /** One that has got too many places: the next ones are merged with another. There is no limit to how often. */
    @Test
    void anotherBlockStandsForAllThatHaveAFingerprint() {
        Fingerprints fingerprints = new Fingerprints(BLOCKS);
        for (int i = 0; i < BLOCKS; i++) {
            assertEquals(Fingerprints.NONE, fingerprints.get(i));
            fingerprints.putIfAbsent(i, i);
        }
        for (int round = 1; round <= 10; round++) {
            for (int i = 0; i < BLOCKS; i++) {
                fingerprints.replace(i, i + round * BLOCKS);
            }
        }
        for (int i = 0; i < BLOCKS; i++) {
            assertEquals(i + 10 * BLOCKS, fingerprints.get(i));
            assertEquals(i + 10 * BLOCKS, fingerprints.putIfAbsent(i, 1));
        }
    }

    @Test
    void afterAPassNothingIsKnown() {
        Fingerprints fingerprints = new Fingerprints(100);
        fingerprints.putIfAbsent(5, 1);
        fingerprints.clear();
        assertEquals(Fingerprints.NONE, fingerprints.putIfAbsent(5, 2));
        assertEquals(2, fingerprints.putIfAbsent(5, 3));
    }
}

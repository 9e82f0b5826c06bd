package dev.gossamer.it.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.it.sim.world.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A fixed slice of what {@code it-tests/simulate} does for as long as it is told. */
@Timeout(value = 30, unit = TimeUnit.MINUTES) // a minute of work, on a machine that may have other work
final class SimulationTest {
    private static final int OPERATIONS = 300;
    private static final int SLICE_SEEDS = 250;

    @Test
    void everyPromiseIsKeptInASliceOfSeeds() {
        List<String> broken = new ArrayList<>();
        int cuts = 0;
        long answers = 0;
        for (long seed = 1; seed <= SLICE_SEEDS; seed++) {
            Verdict verdict = Seed.of(seed, OPERATIONS).tell(new Trace(false));
            cuts += verdict.cuts();
            answers += verdict.answers();
            if (!verdict.isGood()) {
                broken.add("it-tests/simulate --seed " + seed + ": "
                        + verdict.violation().getMessage());
            }
        }
        assertEquals(List.of(), broken);
        assertTrue(cuts > SLICE_SEEDS, "only " + cuts + " power cuts");
        assertTrue(answers > SLICE_SEEDS * 100L, "only " + answers + " answers");
    }

    /** With and without a dedupe, whose candidates once depended on random ids in the catalog (43, 55, 66, 283). */
    @Test
    void oneSeedIsOneHistory() {
        int events = 0;
        for (long seed : new long[] {41, 43, 45, 53, 55, 58, 66, 69, 75, 283}) {
            Trace once = new Trace(true);
            Trace again = new Trace(true);
            Seed.of(seed, OPERATIONS).tell(once);
            Seed.of(seed + 1, OPERATIONS).tell(new Trace(false));
            Seed.of(seed, OPERATIONS).tell(again);
            assertSame(seed, once.lines(), again.lines());
            assertEquals(once.hash(), again.hash());
            events += once.lines().size();
        }
        assertTrue(events > 1500, "only " + events + " events");
    }

    /** Shows where two histories part, and not all of both. */
    private static void assertSame(long seed, List<String> once, List<String> again) {
        int same = 0;
        while (same < once.size() && same < again.size() && once.get(same).equals(again.get(same))) {
            same++;
        }
        int from = Math.max(0, same - 12);
        assertEquals(
                String.join("\n", once.subList(from, Math.min(once.size(), same + 4))),
                String.join("\n", again.subList(from, Math.min(again.size(), same + 4))),
                "seed " + seed + " parts at event " + same);
    }

    @Test
    void anotherSeedIsAnotherHistory() {
        Trace one = new Trace(false);
        Trace other = new Trace(false);
        Seed.of(7, OPERATIONS).tell(one);
        Seed.of(8, OPERATIONS).tell(other);
        assertNotEquals(one.hash(), other.hash());
    }
}

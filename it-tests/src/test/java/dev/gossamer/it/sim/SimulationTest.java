package dev.gossamer.it.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.util.ResourceLeakDetector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A fixed slice of what {@code it-tests/simulate} does for as long as it is told. */
@Timeout(value = 30, unit = TimeUnit.MINUTES) // a minute of work, on a machine that may have other work
final class SimulationTest {
    private static final int SLICE_SEEDS = 200;

    private final ResourceLeakDetector.Level usual = ResourceLeakDetector.getLevel();

    /** A world whose power is cut gives no buffer back; what leaks otherwise the judge counts itself. */
    @BeforeEach
    void detectNoLeaks() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }

    @AfterEach
    void detectLeaksAgain() {
        ResourceLeakDetector.setLevel(usual);
    }

    @Test
    void everyPromiseIsKeptInASliceOfSeeds() {
        List<String> broken = new ArrayList<>();
        int cuts = 0;
        long answers = 0;
        for (long seed = 1; seed <= SLICE_SEEDS; seed++) {
            Teller.Told told = Teller.tell(seed, false);
            cuts += told.cuts();
            answers += told.answers();
            if (told.violation() != null) {
                broken.add("it-tests/simulate --seed " + seed + ": " + told.violation());
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
            Teller.Told once = Teller.tell(seed, true);
            Teller.tell(seed + 1, false);
            Teller.Told again = Teller.tell(seed, true);
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
        assertNotEquals(Teller.tell(7, false).hash(), Teller.tell(8, false).hash());
    }
}

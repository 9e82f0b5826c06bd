package dev.gossamer.it.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.it.sim.faults.Swarm;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a finding prints tells the same story again. */
final class ArgumentsTest {
    @Test
    void aListOfOperationsIsReadAsItIsWritten() {
        for (List<Integer> kept : List.of(List.<Integer>of(), List.of(3), List.of(0, 1, 2, 9, 14, 15, 18))) {
            assertEquals(kept, Arguments.of("--keep", Arguments.ranges(kept)).kept);
        }
        assertEquals("0-2,9,14-15,18", Arguments.ranges(List.of(0, 1, 2, 9, 14, 15, 18)));
    }

    @Test
    void aReplayLineIsUnderstood() {
        Seed seed = new Seed(77, 120, List.of(), EnumSet.of(Swarm.Kind.CUT, Swarm.Kind.REMOTE));
        String line = Simulate.replay(seed);
        Arguments read = Arguments.of(line.substring(line.indexOf(' ') + 1).split(" "));
        assertEquals(seed, new Seed(read.seed, read.ops, read.kept, read.off));
    }

    @Test
    void whatCannotBeIsNamed() {
        assertEquals("--seed cannot be x", refusal("--seed", "x"));
        assertEquals("--off cannot be NOPE", refusal("--off", "NOPE"));
        assertEquals("--seeds needs a value", refusal("--seeds"));
        assertEquals("--bogus is not known", refusal("--bogus"));
    }

    private static String refusal(String... words) {
        return assertThrows(IllegalArgumentException.class, () -> Arguments.of(words))
                .getMessage();
    }
}

package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The search for cycles finds those of small graphs, and no others. */
final class KnotsTest {
    @Test
    void aChainHasNoKnot() {
        assertEquals(List.of(), Knots.of(Map.of("a", Set.of("b", "c"), "b", Set.of("c"), "c", Set.of())));
    }

    @Test
    void aNodeThatKnowsItselfIsNone() {
        assertEquals(List.of(), Knots.of(Map.of("a", Set.of("a"))));
    }

    @Test
    void twoRingsThatMeetInANodeAreOneKnot() {
        Map<String, Set<String>> graph =
                Map.of("a", Set.of("b"), "b", Set.of("c", "d"), "c", Set.of("a"), "d", Set.of("b"), "e", Set.of("a"));
        assertEquals(List.of(Set.of("a", "b", "c", "d")), Knots.of(graph));
    }

    @Test
    void anArrowInOneDirectionLeavesTwoKnotsAndTheLargerComesFirst() {
        Map<String, Set<String>> graph =
                Map.of("a", Set.of("b"), "b", Set.of("a", "c"), "c", Set.of("d"), "d", Set.of("e"), "e", Set.of("c"));
        assertEquals(List.of(Set.of("c", "d", "e"), Set.of("a", "b")), Knots.of(graph));
    }
}

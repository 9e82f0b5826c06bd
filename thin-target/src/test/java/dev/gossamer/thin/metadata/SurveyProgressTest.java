package dev.gossamer.thin.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What people see of a survey that takes its time. */
class SurveyProgressTest {
    private final List<String> lines = new ArrayList<>();
    private long nanos;

    @Test
    void aQuickOneSaysNothingAndALongOneALineEveryTwoSeconds() {
        SurveyProgress progress = new SurveyProgress(1000, () -> nanos, lines::add);
        for (int i = 0; i < 199; i++) {
            nanos += 10_000_000;
            progress.looked();
        }
        assertEquals(List.of(), lines);
        for (int i = 0; i < 801; i++) {
            nanos += 10_000_000;
            progress.looked();
        }
        assertEquals(5, lines.size(), lines::toString);
        assertEquals("looking through metadata that another program wrote, once: 20 %", lines.getFirst());
        assertEquals("looking through metadata that another program wrote, once: 99 %", lines.getLast());
    }
}

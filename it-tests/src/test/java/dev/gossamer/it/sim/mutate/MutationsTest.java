package dev.gossamer.it.sim.mutate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The list of mutations fits the sources as they are: each passage is there once, and what replaces it compiles. */
@Timeout(value = 30, unit = TimeUnit.MINUTES) // a minute of work, on a machine that may have other work
final class MutationsTest {
    private static final int MUTATIONS_MIN = 40;

    @Test
    void eachMutationFitsAndCompiles(@TempDir Path classes) throws IOException {
        List<String> wrong = new ArrayList<>();
        for (Mutation mutation : Mutations.all()) {
            try {
                Mutations.compile(mutation, classes);
            } catch (IllegalStateException e) {
                wrong.add(e.getMessage());
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(Mutations.all().size() >= MUTATIONS_MIN);
    }
}

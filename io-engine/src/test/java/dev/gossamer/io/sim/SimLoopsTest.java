package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SimLoopsTest {

    private static List<String> interleaving(long seed) {
        List<String> order = new ArrayList<>();
        try (SimLoops loops = new SimLoops(seed, 3, 4096)) {
            for (int task = 0; task < 4; task++) {
                for (int i = 0; i < 3; i++) {
                    String name = i + ":" + task;
                    loops.loop(i).execute(() -> order.add(name));
                }
            }
            loops.runUntilIdle();
        }
        return order;
    }

    @Test
    void oneSeedIsOneInterleaving() {
        Set<List<String>> different = new HashSet<>();
        for (long seed = 0; seed < 20; seed++) {
            assertEquals(interleaving(seed), interleaving(seed));
            different.add(interleaving(seed));
        }
        assertTrue(different.size() > 15, () -> "only " + different.size() + " interleavings");
    }

    @Test
    void eachLoopRunsItsTasksInOrder() {
        for (long seed = 0; seed < 20; seed++) {
            List<String> order = interleaving(seed);
            for (int i = 0; i < 3; i++) {
                String prefix = i + ":";
                List<String> own =
                        order.stream().filter(name -> name.startsWith(prefix)).toList();
                assertEquals(List.of(i + ":0", i + ":1", i + ":2", i + ":3"), own);
            }
        }
    }

    @Test
    void timersFireOnlyWhenTheClockMoves() {
        try (SimLoops loops = new SimLoops(1, 2, 4096)) {
            List<String> fired = new ArrayList<>();
            loops.loop(0).schedule(() -> fired.add("late at " + loops.nanoTime()), 500);
            loops.loop(1)
                    .schedule(
                            () -> {
                                fired.add("early at " + loops.nanoTime());
                                loops.loop(1).schedule(() -> fired.add("chained at " + loops.nanoTime()), 100);
                            },
                            200);
            loops.runUntilIdle();
            assertEquals(List.of(), fired);
            loops.advance(400);
            assertEquals(List.of("early at 200", "chained at 300"), fired);
            assertEquals(400, loops.nanoTime());
            assertTrue(loops.advanceToNextTimer());
            assertEquals("late at 500", fired.getLast());
            assertFalse(loops.advanceToNextTimer());
        }
    }

    @Test
    void onlyTheRunningLoopLendsItsPools() {
        try (SimLoops loops = new SimLoops(1, 2, 4096)) {
            assertFalse(loops.loop(0).inLoop());
            assertThrows(AssertionError.class, () -> loops.loop(0).buffers());
            loops.enter(0, () -> {
                assertTrue(loops.loop(0).inLoop());
                assertFalse(loops.loop(1).inLoop());
                assertThrows(AssertionError.class, () -> loops.loop(1).requests());
                loops.loop(0).buffers().acquire(1).release();
            });
        }
    }
}

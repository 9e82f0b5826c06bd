package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.io.sim.RecordingLogger;
import dev.gossamer.io.sim.SimLoops;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

class LimitedLogTest {
    private static final long SECOND = 1_000_000_000;

    private final SimLoops loops = new SimLoops(1, 1, 4096);
    private final RecordingLogger log = new RecordingLogger();
    private final LimitedLog limited =
            new LimitedLog(log, Level.WARN, "disk broken", LogLimit.onePerSecond(), loops.loop(0));

    @AfterEach
    void close() {
        loops.close();
    }

    private void flood(int lines) {
        for (int i = 0; i < lines; i++) {
            limited.line("block {} is lost", i);
        }
        loops.runUntilIdle();
    }

    @Test
    void theNextLineTellsWhatAFloodHasLeftOut() {
        flood(1000);
        assertEquals(List.of("WARN block 0 is lost"), log.lines());
        loops.advance(SECOND);
        flood(2);
        assertEquals(List.of("WARN block 0 is lost", "WARN block 0 is lost leftOut=999"), log.lines());
    }

    @Test
    void afterAFloodItIsToldWithoutANextLineAndOnce() {
        flood(1000);
        loops.advance(3 * SECOND);
        List<String> told = List.of("WARN block 0 is lost", "WARN lines left out kind=\"disk broken\" leftOut=999");
        assertEquals(told, log.lines());
        loops.advance(100 * SECOND);
        assertEquals(told, log.lines());
        assertFalse(loops.advanceToNextTimer(), "nothing looks again and again");
    }

    @Test
    void everyFloodIsToldOf() {
        flood(5);
        loops.advance(3 * SECOND);
        loops.advance(3 * SECOND);
        flood(7);
        loops.advance(3 * SECOND);
        assertEquals(
                "WARN lines left out kind=\"disk broken\" leftOut=6",
                log.lines().getLast());
        assertEquals(4, log.lines().size(), log.lines()::toString);
    }
}

package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.sim.SimLoops;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InsistentTaskTest {
    private final SimLoops loops = new SimLoops(1, 1, 1 << 20);
    private int done;

    @AfterEach
    void free() {
        loops.close();
    }

    private int after(int failures) {
        int[] attempts = {0};
        new InsistentTask(loops.loop(0), () -> {
                    if (attempts[0]++ < failures) {
                        throw new OutOfMemoryError("as if");
                    }
                    done++;
                })
                .call();
        loops.runUntilIdle();
        return attempts[0];
    }

    @Test
    void whatThrowsIsDoneAgainUntilItDoesNot() {
        assertEquals(4, after(3));
        assertEquals(1, done);
    }

    @Test
    void aBugIsNotRepeatedForEver() {
        loops.expectFaults();
        assertEquals(1000, after(Integer.MAX_VALUE));
        assertEquals(0, done);
    }
}

package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.sim.ScarceMemory;
import java.nio.file.Path;
import java.util.function.ToLongBiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A start that fails for want of heap, anywhere, leaves no thread and no lock, and the next one is good. */
class FailedStartTest {
    /** Of some thousand places these, closer together where less has been done. */
    private static final long[] PLACES = {1, 12, 50, 90, 150, 250, 400, 650, 1000, 1500, 2500};

    private static final long NEVER = Long.MAX_VALUE / 2;

    @Test
    @SuppressWarnings("unchecked")
    void nothingIsLeftBehind(@TempDir Path directory) throws Exception {
        ToLongBiFunction<Path, Long> story = (ToLongBiFunction<Path, Long>) ScarceMemory.loader(StartStory.class)
                .loadClass(StartStory.class.getName())
                .getDeclaredConstructor()
                .newInstance();
        Path pool = directory.resolve("pool");
        long unused = story.applyAsLong(pool, 0L);
        unused = story.applyAsLong(pool, NEVER); // what is made once is there from now on
        for (long place : PLACES) {
            unused = story.applyAsLong(pool, place);
        }
        assertEquals(0, story.applyAsLong(pool, NEVER));
    }
}

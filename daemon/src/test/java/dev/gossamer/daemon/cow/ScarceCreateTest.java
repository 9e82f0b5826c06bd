package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.ScarceMemory;
import java.util.List;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A creation that meets no heap, at any of its allocations, leaves no device open: that would be locked, and in
 * nobody's use, until the daemon ends.
 */
@Timeout(120)
class ScarceCreateTest {
    @Test
    @SuppressWarnings("unchecked")
    void nothingStaysOpen() throws Exception {
        LongFunction<List<String>> story = (LongFunction<List<String>>) ScarceMemory.loader(ScarceCreateStory.class)
                .loadClass(ScarceCreateStory.class.getName())
                .getDeclaredConstructor()
                .newInstance();
        assertNull(story.apply(Long.MAX_VALUE / 2), "what is made once is there from now on");
        long places = 0;
        for (List<String> open = List.of(); open != null; open = story.apply(++places)) {
            assertEquals(List.of(), open, "open, as memory failed at " + places);
        }
        assertTrue(places > 100, places + " places");
    }
}

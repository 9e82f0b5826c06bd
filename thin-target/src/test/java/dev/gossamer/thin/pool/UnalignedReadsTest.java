package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.ScarceMemory;
import java.util.List;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

/** An unaligned READ is answered, whoever goes on with it and whatever that throws. */
class UnalignedReadsTest {
    @Test
    void ofTwoTheSecondWaitsForMemoryOfTheFirst() {
        UnalignedStory story = new UnalignedStory();
        story.tell(() -> {}, () -> {});
        assertEquals(UnalignedStory.good(), story.answers());
    }

    @Test
    void whatASliceThrowsEndsItsReadAndTheOtherOneGoesOn() {
        UnalignedStory story = new UnalignedStory();
        for (int n = 1; n <= 6; n++) {
            int[] left = {n};
            story.tell(() -> {}, () -> {
                if (--left[0] == 0) {
                    throw new IllegalStateException("a test");
                }
            });
            List<Integer> sorted = story.answers().stream().sorted().toList();
            assertEquals(List.of(Errno.OK, Errno.EIO), sorted, "at slice " + n);
        }
    }

    @Test
    void withoutHeapItEndsAndKeepsNothing() throws Exception {
        LongUnaryOperator story = (LongUnaryOperator) ScarceMemory.loader(UnalignedStory.class)
                .loadClass(UnalignedStory.class.getName())
                .getDeclaredConstructor()
                .newInstance();
        long places = 0;
        while (story.applyAsLong(places + 1) != 0) {
            places++;
        }
        assertTrue(places >= 8, places + " places");
    }
}

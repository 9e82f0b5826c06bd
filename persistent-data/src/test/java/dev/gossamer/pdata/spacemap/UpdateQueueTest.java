package dev.gossamer.pdata.spacemap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.util.ArrayDeque;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class UpdateQueueTest {
    @Test
    void updatesComeOutInTheOrderInWhichTheyWentInHoweverManyWaitAndWhateverComesBetween() {
        long seed = 3;
        SplittableRandom random = Seeds.splittable(seed);
        UpdateQueue queue = new UpdateQueue();
        ArrayDeque<long[]> model = new ArrayDeque<>();
        for (int i = 0; i < 20_000; i++) {
            if (model.isEmpty() || random.nextInt(100) < (i / 2000 % 2 == 0 ? 60 : 40)) {
                long block = random.nextLong(50);
                int delta = random.nextBoolean() ? 1 : -1;
                queue.add(block, delta);
                model.add(new long[] {block, delta});
            } else {
                assertEquals(model.peek()[0], queue.headBlock(), "seed " + seed);
                assertEquals(model.peek()[1], queue.headDelta(), "seed " + seed);
                queue.removeHead();
                model.poll();
            }
            assertEquals(model.size(), queue.size());
            long block = random.nextLong(50);
            long pending = model.stream()
                    .filter(update -> update[0] == block)
                    .mapToLong(update -> update[1])
                    .sum();
            assertEquals(pending, queue.pendingDelta(block));
            assertEquals(model.stream().anyMatch(update -> update[0] == block), queue.hasUpdateOf(block));
        }
    }

    @Test
    void updatesThatCancelOutStillMarkTheirBlockAsTaken() {
        UpdateQueue queue = new UpdateQueue();
        queue.add(7, 1);
        queue.add(7, -1);
        assertEquals(0, queue.pendingDelta(7));
        assertTrue(queue.hasUpdateOf(7));
        assertFalse(queue.hasUpdateOf(8));
    }
}

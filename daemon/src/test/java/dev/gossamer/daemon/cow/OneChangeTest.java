package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class OneChangeTest {
    private final OneChange change = new OneChange();
    private final List<String> order = new CopyOnWriteArrayList<>();

    /** Whoever tells the end of a merge has other origins' ends to tell. */
    @Test
    void whatFollowsDoesNotWaitAndIsNotForgotten() throws InterruptedException {
        change.begin();
        Thread other = Thread.ofPlatform().daemon().start(() -> change.whenFree(() -> order.add("follows")));
        other.join(TimeUnit.SECONDS.toMillis(30));
        assertTrue(!other.isAlive(), "it waits for the change that is under way");
        change.begin();
        change.end();
        assertEquals(List.of(), order, "the outer one is still under way");
        order.add("change");
        change.end();
        assertEquals(List.of("change", "follows"), order);
        change.whenFree(() -> order.add("at once"));
        assertEquals("at once", order.getLast());
    }

    @Test
    void changesAndWhatFollowsThemNeverMeet() throws InterruptedException {
        int threads = 4;
        int rounds = 500;
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger met = new AtomicInteger();
        AtomicInteger followed = new AtomicInteger();
        CountDownLatch ended = new CountDownLatch(threads);
        Runnable alone = () -> {
            met.addAndGet(inside.getAndIncrement());
            Thread.onSpinWait();
            inside.decrementAndGet();
        };
        for (int i = 0; i < threads; i++) {
            boolean follows = i % 2 == 0;
            Thread.ofPlatform().daemon().start(() -> {
                for (int round = 0; round < rounds; round++) {
                    if (follows) {
                        change.whenFree(() -> {
                            alone.run();
                            followed.incrementAndGet();
                        });
                    } else {
                        change.begin();
                        alone.run();
                        change.end();
                    }
                }
                ended.countDown();
            });
        }
        assertTrue(ended.await(30, TimeUnit.SECONDS));
        assertEquals(0, met.get());
        assertEquals(threads / 2 * rounds, followed.get());
    }
}

package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** How a test thread runs code on a loop and waits for what it started there. */
public interface LoopDriver {
    IoLoop loop();

    /** Runs the task on the loop and returns when it has returned; its exception becomes the caller's. */
    void run(Runnable task);

    /** Lets the loop work until the latch is open; fails the test if that does not happen. */
    void await(CountDownLatch latch) throws InterruptedException;

    /** The calling thread owns the loop. */
    static LoopDriver of(InlineLoop loop) {
        return new LoopDriver() {
            @Override
            public IoLoop loop() {
                return loop;
            }

            @Override
            public void run(Runnable task) {
                task.run();
            }

            @Override
            public void await(CountDownLatch latch) {
                while (latch.getCount() > 0) {
                    loop.runOrPark();
                }
            }
        };
    }

    /** One of several simulated loops; waiting drives all of them, and the clock if nothing else is left. */
    static LoopDriver of(SimLoops loops, int index) {
        return new LoopDriver() {
            @Override
            public IoLoop loop() {
                return loops.loop(index);
            }

            @Override
            public void run(Runnable task) {
                loops.enter(index, task);
            }

            @Override
            public void await(CountDownLatch latch) {
                while (latch.getCount() > 0) {
                    assertTrue(loops.runOne() || loops.advanceToNextTimer(), "idle, but not done");
                }
            }
        };
    }

    /** A loop with a thread of its own. */
    static LoopDriver ofThread(IoLoop loop) {
        return new LoopDriver() {
            @Override
            public IoLoop loop() {
                return loop;
            }

            @Override
            public void run(Runnable task) {
                CompletableFuture.runAsync(task, loop).join();
            }

            @Override
            public void await(CountDownLatch latch) throws InterruptedException {
                assertTrue(latch.await(60, TimeUnit.SECONDS), "not done after a minute");
            }
        };
    }
}

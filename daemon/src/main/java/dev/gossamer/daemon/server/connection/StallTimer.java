package dev.gossamer.daemon.server.connection;

import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Has all connections look at their {@link StallDetector}, from a thread of its own: a timer on an I/O loop would cost
 * each of the loop's waits an entry in the kernel's queues.
 */
public final class StallTimer implements AutoCloseable {
    private final ScheduledExecutorService timer;

    /** @param timer ends with this */
    @SuppressWarnings("FutureReturnValueIgnored") // ends with the timer
    public StallTimer(ConnectionRegistry registry, long stallMillis, ScheduledExecutorService timer) {
        this.timer = timer;
        long periodMillis = Math.max(1, stallMillis / StallDetector.LOOKS);
        timer.scheduleWithFixedDelay(
                () -> registry.connections().forEach(NbdConnection::checkProgress),
                periodMillis,
                periodMillis,
                TimeUnit.MILLISECONDS);
    }

    /** A timer with such a thread. */
    public static ScheduledExecutorService newTimer() {
        return new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "gossamer-stall-watch");
            thread.setDaemon(true);
            return thread;
        });
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}

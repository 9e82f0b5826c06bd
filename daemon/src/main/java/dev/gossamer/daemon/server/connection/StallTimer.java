package dev.gossamer.daemon.server.connection;

import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has all connections look at their {@link StallDetector}, from a thread of its own: a timer on an I/O loop would cost
 * each of the loop's waits an entry in the kernel's queues. Those of a loop where somebody waits for memory that others
 * hold look more often.
 */
public final class StallTimer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StallTimer.class);

    private final ScheduledExecutorService timer;

    private final ConnectionRegistry registry;
    private final List<LoopLoad> loads;
    private final long ticksPerLook;
    private long ticks;

    /** @param timer ends with this */
    @SuppressWarnings("FutureReturnValueIgnored") // ends with the timer
    public StallTimer(
            ConnectionRegistry registry,
            List<LoopLoad> loads,
            ConnectionLimits limits,
            ScheduledExecutorService timer) {
        this.timer = timer;
        this.registry = registry;
        this.loads = loads;
        long periodMillis = Math.max(1, limits.pressedStallMillis() / StallDetector.LOOKS);
        ticksPerLook = Math.max(1, limits.stallMillis() / StallDetector.LOOKS / periodMillis);
        timer.scheduleWithFixedDelay(this::tick, periodMillis, periodMillis, TimeUnit.MILLISECONDS);
    }

    /** A timer that has thrown is not run again: what one look throws, the next ones must not suffer from. */
    private void tick() {
        try {
            look();
        } catch (RuntimeException | Error bug) {
            LOG.error("a look for connections that stall has failed; the next ones go on", bug);
        }
    }

    private void look() {
        boolean all = ++ticks % ticksPerLook == 0;
        if (all || loads.stream().anyMatch(LoopLoad::isPressed)) {
            registry.connections().stream()
                    .filter(connection -> all || connection.isPressed())
                    .forEach(NbdConnection::checkProgress);
        }
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

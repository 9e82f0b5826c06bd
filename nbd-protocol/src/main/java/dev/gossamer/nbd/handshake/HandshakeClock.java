package dev.gossamer.nbd.handshake;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Notices that a connection takes too long to negotiate (H11). Lives on the connection's event loop. */
final class HandshakeClock {
    private final EventExecutor loop;
    private final HandshakeLimits limits;
    private final Runnable expired;
    private final Future<?> wholeHandshake;
    private Future<?> nextOption;

    /** Starts both clocks; either may run {@code expired}. */
    HandshakeClock(EventExecutor loop, HandshakeLimits limits, Runnable expired) {
        this.loop = loop;
        this.limits = limits;
        this.expired = expired;
        this.wholeHandshake = start(limits.handshakeTimeoutMs());
        this.nextOption = start(limits.optionTimeoutMs());
    }

    /** An option was answered: the time for the next one begins. */
    void optionCompleted() {
        nextOption.cancel(false);
        nextOption = start(limits.optionTimeoutMs());
    }

    void stop() {
        nextOption.cancel(false);
        wholeHandshake.cancel(false);
    }

    private Future<?> start(long timeoutMs) {
        if (timeoutMs == 0) {
            return loop.newSucceededFuture(null);
        }
        return loop.schedule(expired, timeoutMs, TimeUnit.MILLISECONDS);
    }
}

package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says what really failed before the error is narrowed to what NBD can express. At most one line a second, so that a
 * broken disk cannot flood the log; the next line says how many were left out.
 */
public final class FaultLog {
    private static final Logger LOG = LoggerFactory.getLogger(FaultLog.class);
    private static final long INTERVAL_NANOS = 1_000_000_000L;

    // Shared by all loops: whoever moves the time forward writes the line.
    private final AtomicLong nextNanos = new AtomicLong(Long.MIN_VALUE);
    private final AtomicLong leftOut = new AtomicLong();

    void requestFailed(String export, BlockRequest request, int errno) {
        long now = request.loop().nanoTime();
        long next = nextNanos.get();
        if ((next != Long.MIN_VALUE && now - next < 0) || !nextNanos.compareAndSet(next, now + INTERVAL_NANOS)) {
            leftOut.incrementAndGet();
            return;
        }
        LOG.warn(
                "request failed export={} operation={} offsetBytes={} lengthBytes={} error={} leftOut={}",
                export,
                request.operation(),
                request.offsetBytes(),
                request.lengthBytes(),
                Errno.name(errno),
                leftOut.getAndSet(0));
    }
}

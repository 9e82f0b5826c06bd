package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.LogLimit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says what really failed before the error is narrowed to what NBD can express. At most one line a second, so that a
 * broken disk cannot flood the log; the next line says how many were left out.
 */
public final class FaultLog {
    private static final Logger LOG = LoggerFactory.getLogger(FaultLog.class);

    // Shared by all loops.
    private final LogLimit limit = LogLimit.onePerSecond();

    void requestFailed(String export, BlockRequest request, int errno) {
        if (!limit.admits(request.loop().nanoTime())) {
            return;
        }
        LOG.warn(
                "request failed export={} operation={} offsetBytes={} lengthBytes={} error={} leftOut={}",
                export,
                request.operation(),
                request.offsetBytes(),
                request.lengthBytes(),
                Errno.name(errno),
                limit.takeLeftOut());
    }
}

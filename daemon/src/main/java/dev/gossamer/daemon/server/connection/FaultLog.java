package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.ClientLog.Kind;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;

/**
 * Says what really failed before the error is narrowed to what NBD can express. Shared by all loops.
 */
public final class FaultLog {
    private final ClientLog log;

    FaultLog(ClientLog log) {
        this.log = log;
    }

    /** A line for which there is no memory is left out: the client is answered all the same. */
    void requestFailed(String export, BlockRequest request, int errno) {
        try {
            if (log.admits(Kind.REQUEST_FAILED)) {
                log.write(
                        Kind.REQUEST_FAILED,
                        " export={} operation={} offsetBytes={} lengthBytes={} error={}",
                        export,
                        request.operation(),
                        request.offsetBytes(),
                        request.lengthBytes(),
                        Errno.name(errno));
            }
        } catch (OutOfMemoryError unsaid) {
            // Nobody waits for the line.
        }
    }
}

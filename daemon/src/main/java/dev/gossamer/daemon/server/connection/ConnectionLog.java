package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.ClientLog.Kind;
import dev.gossamer.daemon.server.access.PeerName;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import javax.net.ssl.SSLException;

/**
 * What the log says of one connection (X10): when it begins, why it was ended, and what it has done. A line for which
 * there is no memory is left out, and what it tells of goes on. Any thread.
 *
 * @param id of the connection
 */
record ConnectionLog(ClientLog log, NegotiatedExport negotiated, PeerName peer, long id) {
    void opened() {
        try {
            log.line(
                    Kind.OPENED,
                    " name={} peer={} identity={} mode={} connection={}",
                    negotiated.export().name(),
                    peer.address(),
                    peer.identity(),
                    negotiated.isReadOnly() ? "read-only" : "read-write",
                    id);
        } catch (OutOfMemoryError unsaid) {
            // Nobody waits for the line.
        }
    }

    void closed(ConnectionCounters counters) {
        try {
            log.line(
                    Kind.CLOSED,
                    " name={} peer={} connection={} requests={} bytesRead={} bytesWritten={}",
                    negotiated.export().name(),
                    peer.address(),
                    id,
                    counters.requests(),
                    counters.bytesRead(),
                    counters.bytesWritten());
        } catch (OutOfMemoryError unsaid) {
            // Nobody waits for the line.
        }
    }

    void dropped(String why) {
        try {
            log.line(Kind.DROPPED, " peer={} connection={} why={}", peer.address(), id, why);
        } catch (OutOfMemoryError unsaid) {
            // Nobody waits for the line.
        }
    }

    /** It cannot go on: what the client sent was no TLS, the system refused something, or the fault is ours. */
    void failed(Throwable cause) {
        try {
            if (cause instanceof SSLException || cause.getCause() instanceof SSLException) {
                log.refused(Kind.TLS, peer, Reason.of(cause));
            } else if (cause instanceof StorageException) {
                dropped(Reason.of(cause));
            } else {
                log.bug(Kind.FAILED, cause, " peer={} connection={}", peer.address(), id);
            }
        } catch (OutOfMemoryError unsaid) {
            // Nobody waits for the line.
        }
    }
}

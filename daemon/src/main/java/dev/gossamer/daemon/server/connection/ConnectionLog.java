package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.ClientLog.Kind;
import dev.gossamer.daemon.server.access.PeerName;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import javax.net.ssl.SSLException;

/**
 * What the log says of one connection (X10): when it begins, why it was ended, and what it has done. Any thread.
 *
 * @param id of the connection
 */
record ConnectionLog(ClientLog log, NegotiatedExport negotiated, PeerName peer, long id) {
    void opened() {
        log.line(
                Kind.OPENED,
                " name={} peer={} identity={} mode={} connection={}",
                negotiated.export().name(),
                peer.address(),
                peer.identity(),
                negotiated.isReadOnly() ? "read-only" : "read-write",
                id);
    }

    void closed(ConnectionCounters counters) {
        log.line(
                Kind.CLOSED,
                " name={} peer={} connection={} requests={} bytesRead={} bytesWritten={}",
                negotiated.export().name(),
                peer.address(),
                id,
                counters.requests(),
                counters.bytesRead(),
                counters.bytesWritten());
    }

    void dropped(String why) {
        log.line(Kind.DROPPED, " peer={} connection={} why={}", peer.address(), id, why);
    }

    /** It cannot go on: what the client sent was no TLS, the system refused something, or the fault is ours. */
    void failed(Throwable cause) {
        if (cause instanceof SSLException || cause.getCause() instanceof SSLException) {
            log.refused(Kind.TLS, peer, Reason.of(cause));
        } else if (cause instanceof StorageException) {
            dropped(Reason.of(cause));
        } else {
            log.bug(Kind.FAILED, cause, " peer={} connection={}", peer.address(), id);
        }
    }
}

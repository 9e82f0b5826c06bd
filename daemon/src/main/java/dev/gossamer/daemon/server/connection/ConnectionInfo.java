package dev.gossamer.daemon.server.connection;

import java.time.Instant;

/**
 * A connection in transmission, as the operator sees it.
 *
 * @param id counts up from 1 as long as the server runs
 * @param export the export's name now; a volume may be renamed under its clients
 * @param peer {@code host:port}, or {@code unix}
 * @param openedAt when the handshake ended
 * @param counters live
 */
public record ConnectionInfo(long id, String export, String peer, Instant openedAt, ConnectionCounters counters) {}

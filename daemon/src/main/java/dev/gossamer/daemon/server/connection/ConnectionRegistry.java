package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.export.OpenExport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongFunction;

/**
 * The connections in transmission, and the volumes that may have none at the moment. Entered and left once per
 * connection, so a lock does no harm.
 */
public final class ConnectionRegistry {
    private final TreeMap<Long, NbdConnection> open = new TreeMap<>();
    private final ConnectionCounters ended = new ConnectionCounters();
    // By export, until that is gone: as many as there are exports.
    private final Map<String, ConnectionCounters> endedByExport = new HashMap<>();
    // One entry for each disconnection under way, so a volume may be here twice.
    private final List<String> barred = new ArrayList<>();
    private long lastId;

    /**
     * Makes a connection and enters it. Under the registry's lock: whoever {@linkplain #bar bars} a volume either finds
     * the connection here or keeps it from being made.
     *
     * @param opening given the connection's id; may not wait, and makes nothing of an export that {@link #isBarred}
     * @return what was made; null if nothing
     */
    public synchronized NbdConnection admit(LongFunction<NbdConnection> opening) {
        NbdConnection connection = opening.apply(lastId + 1);
        if (connection != null) {
            lastId++;
            try {
                open.put(lastId, connection);
            } catch (RuntimeException | Error fault) {
                connection.neverBegins(fault);
                throw fault;
            }
        }
        return connection;
    }

    /** Whether the export, or what it is compared with, is being taken away from its clients. */
    public synchronized boolean isBarred(OpenExport export) {
        return barred.stream().anyMatch(export::uses);
    }

    /** Admits no client of a volume until {@link #lift}. @return the clients it has */
    public synchronized List<NbdConnection> bar(String volume) {
        barred.add(volume);
        return open.values().stream()
                .filter(connection -> connection.uses(volume))
                .toList();
    }

    /** Ends one {@link #bar}. */
    public synchronized void lift(String volume) {
        barred.remove(volume);
    }

    public synchronized void remove(Long id) {
        NbdConnection connection = open.remove(id);
        if (connection != null) {
            ended.addAll(connection.counters());
            try {
                endedByExport
                        .computeIfAbsent(connection.exportKey(), key -> new ConnectionCounters())
                        .addAll(connection.counters());
            } catch (OutOfMemoryError uncounted) {
                // Somebody waits for the connection's end, and nobody for a sum.
            }
        }
    }

    /**
     * Sums by {@link OpenExport#key}, of connections that have ended too; those of other exports than these are
     * forgotten.
     *
     * @param exports the keys of all exports that there are
     */
    public synchronized Map<String, ConnectionCounters> totalsByExport(Set<String> exports) {
        endedByExport.keySet().retainAll(exports);
        Map<String, ConnectionCounters> totals = new HashMap<>();
        endedByExport.forEach((key, counters) -> sum(totals, key, counters));
        open.values().forEach(connection -> sum(totals, connection.exportKey(), connection.counters()));
        return totals;
    }

    private static void sum(Map<String, ConnectionCounters> totals, String key, ConnectionCounters counters) {
        totals.computeIfAbsent(key, unknown -> new ConnectionCounters()).addAll(counters);
    }

    public synchronized List<NbdConnection> connections() {
        return List.copyOf(open.values());
    }

    /** All connections, oldest first. */
    public synchronized List<ConnectionInfo> list() {
        List<ConnectionInfo> list = new ArrayList<>();
        open.values().forEach(connection -> list.add(connection.info()));
        return list;
    }

    /** Peers that have a volume open, or compare another one with it: for a message that says who is in the way. */
    public synchronized List<String> peersOf(String volume) {
        return open.values().stream()
                .filter(connection -> connection.uses(volume))
                .map(NbdConnection::peer)
                .toList();
    }

    /** Connections in transmission now. */
    public synchronized int size() {
        return open.size();
    }

    /** Sums over all connections since the server started, ended ones included. */
    public synchronized ConnectionCounters totals() {
        ConnectionCounters totals = new ConnectionCounters();
        totals.addAll(ended);
        open.values().forEach(connection -> totals.addAll(connection.counters()));
        return totals;
    }
}

package dev.gossamer.daemon.server;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** The connections in transmission. Entered and left once per connection, so a lock does no harm. */
public final class ConnectionRegistry {
    private final TreeMap<Long, NbdConnection> open = new TreeMap<>();
    private final ConnectionCounters ended = new ConnectionCounters();
    private long lastId;

    synchronized long add(NbdConnection connection) {
        lastId++;
        open.put(lastId, connection);
        return lastId;
    }

    synchronized void remove(long id) {
        NbdConnection connection = open.remove(id);
        if (connection != null) {
            ended.addAll(connection.counters());
        }
    }

    synchronized List<NbdConnection> connections() {
        return List.copyOf(open.values());
    }

    /** All connections, oldest first. */
    public synchronized List<ConnectionInfo> list() {
        List<ConnectionInfo> list = new ArrayList<>();
        open.forEach((id, connection) -> list.add(connection.info(id)));
        return list;
    }

    /** Peers that have an export open, for a message that says who is in the way. */
    public List<String> peersOf(String export) {
        return list().stream()
                .filter(connection -> connection.export().equals(export))
                .map(ConnectionInfo::peer)
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

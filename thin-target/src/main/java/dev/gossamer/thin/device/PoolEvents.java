package dev.gossamer.thin.device;

import dev.gossamer.thin.PoolEvent;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The latest events of a pool, each logged once, and how many there were of each kind. Any thread. */
public final class PoolEvents {
    private static final Logger LOG = LoggerFactory.getLogger(PoolEvents.class);

    // What an operator looks back on; the log has them all.
    private static final int LIMIT = 32;

    private final ArrayDeque<PoolEvent> latest = new ArrayDeque<>();
    private final Map<PoolEvent.Kind, Long> counts = new EnumMap<>(PoolEvent.Kind.class);
    private long all;

    public synchronized void add(PoolEvent.Kind kind, String text) {
        if (kind == PoolEvent.Kind.GROWN) {
            LOG.info("{}", text);
        } else {
            LOG.warn("{}", text);
        }
        if (latest.size() == LIMIT) {
            latest.removeFirst();
        }
        latest.add(new PoolEvent(++all, Instant.now(), kind, text));
        counts.merge(kind, 1L, Long::sum);
    }

    /** Oldest first; older ones than the last 32 are forgotten. */
    public synchronized List<PoolEvent> latest() {
        return List.copyOf(latest);
    }

    public synchronized long count(PoolEvent.Kind kind) {
        return counts.getOrDefault(kind, 0L);
    }
}

package dev.gossamer.thin.job;

import java.util.HashMap;
import java.util.Map;

/**
 * Which block stands for one that has gone, or has got too many owners: the last of those that have taken over one from
 * the other. Looking it up shortens the way for the next one, so that it is short however often that was. A limited
 * number; what comes beyond is not remembered, and finds no partner. Worker's thread.
 */
final class Replacements {
    /** About 10 MiB. */
    static final int MAX = 1 << 17;

    private final Map<Long, Long> next = new HashMap<>();
    private long hops;

    /** From now on another block stands for one, which is the {@linkplain #of last} of its row. */
    void put(long block, long by) {
        if (of(by) != block && (next.size() < MAX || next.containsKey(block))) {
            next.put(block, by);
        }
    }

    /** The block that stands for one now; itself if nothing does. */
    long of(long block) {
        long last = block;
        for (Long by = next.get(last); by != null; by = next.get(last)) {
            last = by;
            hops++;
        }
        for (long each = block; each != last; ) {
            each = next.put(each, last);
        }
        return last;
    }

    void clear() {
        next.clear();
    }

    int size() {
        return next.size();
    }

    /** Steps from one block to the next until now: the work of all look-ups. */
    long hops() {
        return hops;
    }
}

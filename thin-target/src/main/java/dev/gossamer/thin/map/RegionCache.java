package dev.gossamer.thin.map;

import dev.gossamer.thin.extent.ExtentMap;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.LongAdder;

/**
 * Bounds the memory of all extent maps of a pool: the regions loaded longest ago are withdrawn first (rule EM-9).
 * Withdrawing is always right, since a loop that misses a region asks the worker, which reads it from the mapping tree
 * again, and looks into its cells for blocks that are locked.
 *
 * <p>What counts, in longs on the heap: the regions as they are now, also those that have grown since they were loaded,
 * the tables they are in ({@link ExtentMap#words}), and the queue here. So a mapped block costs 16.2 bytes where no two
 * blocks are in a run, and 0.2 where all 512 of a region are. In 63 MiB, a quarter of the default heap, that is the map
 * of 4 million blocks without any run (250 GiB in blocks of 64 KiB), or of 340 million in runs (20 TiB).
 *
 * <p>More than the limit is taken only by the {@link #KEPT_REGIONS} regions loaded last, if it is less than those need.
 * When more is in use than fits, a request to a region that was withdrawn costs a turn of the worker and a look into
 * the tree; nothing fails. Loops leave no trace of what they use, since that would cost every request a write: a region
 * in use goes like any other, and comes back as the youngest.
 *
 * <p>Worker's thread.
 */
public final class RegionCache {
    /**
     * The regions loaded last stay whatever they take, about 8 KiB each, or 12 with a table of its own: whoever waited
     * for one must find it when he looks, although what is loaded ahead of need comes after it. Otherwise nobody might
     * ever get on.
     */
    public static final int KEPT_REGIONS = 32;

    /** An entry and its slot in the queue, and what is left of a map that was deleted since. */
    private static final int ENTRY_WORDS = 8;

    // A region that was withdrawn since is a stale entry: it goes when its turn comes, and counts until then.
    private record Entry(ExtentMap map, long regionNumber) {}

    private final long limitWords;
    private final LongAdder takenBytes;
    private final ArrayDeque<Entry> loaded = new ArrayDeque<>();
    private long usedWords;

    /**
     * @param limitWords longs that all maps together may take: a quarter of the heap is a good share
     * @param takenBytes kept at what they take
     */
    RegionCache(long limitWords, LongAdder takenBytes) {
        this.limitWords = limitWords;
        this.takenBytes = takenBytes;
    }

    /** Notes that a region has been published that was not there. */
    void loaded(ExtentMap map, long regionNumber) {
        loaded.add(new Entry(map, regionNumber));
        changed(ENTRY_WORDS);
    }

    /** Notes that maps take so many words more, or less, and withdraws the oldest regions if that is too much. */
    void changed(long words) {
        count(words);
        for (int left = loaded.size() - KEPT_REGIONS; left > 0 && usedWords > limitWords; left--) {
            Entry oldest = loaded.poll();
            long before = oldest.map.words();
            oldest.map.publish(oldest.regionNumber, null);
            count(oldest.map.words() - before - ENTRY_WORDS);
        }
    }

    private void count(long words) {
        usedWords += words;
        takenBytes.add(words * Long.BYTES);
    }
}

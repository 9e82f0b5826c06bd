package dev.gossamer.thin;

import dev.gossamer.thin.extent.Region;
import java.util.ArrayDeque;

/**
 * Bounds the memory of all extent maps of a pool: the regions loaded longest ago are withdrawn first (rule EM-9).
 * Withdrawing is always right, since a loop that misses a region asks the worker.
 *
 * <p>Worker's thread.
 */
final class RegionCache {
    /** What a region costs beside its extents (array header, table slot, entry here), and room to grow, in words. */
    private static final int OVERHEAD_WORDS = 32;

    /**
     * The regions loaded last stay whatever they take, about 8 KiB each: whoever waited for one must find it when he looks,
     * although what is loaded ahead of need comes after it. Otherwise nobody might ever get on.
     */
    static final int KEPT_REGIONS = 32;

    private record Entry(ThinDevice device, long regionNumber, int words) {}

    private final long limitWords;
    private final ArrayDeque<Entry> loaded = new ArrayDeque<>();
    private long usedWords;

    /** @param limitWords longs that all regions together may use: a quarter of the heap is a good share */
    RegionCache(long limitWords) {
        this.limitWords = limitWords;
    }

    /** Notes that a region was loaded, and withdraws the oldest ones if there is too much. */
    void loaded(ThinDevice device, long regionNumber, long[] region) {
        int words = region.length + OVERHEAD_WORDS;
        loaded.add(new Entry(device, regionNumber, words));
        usedWords += words;
        while (usedWords > limitWords && loaded.size() > KEPT_REGIONS) {
            Entry oldest = loaded.poll();
            usedWords -= oldest.words;
            if (!isLocked(oldest.device.extents.region(oldest.regionNumber))) {
                oldest.device.extents.publish(oldest.regionNumber, null);
            }
        }
    }

    /** A region with a locked block must stay: loading it again would unlock it. */
    private static boolean isLocked(long[] region) {
        if (region != null) {
            for (int i = 0; i < Region.count(region); i++) {
                if (Region.kind(region, i) == Region.LOCKED) {
                    return true;
                }
            }
        }
        return false;
    }
}

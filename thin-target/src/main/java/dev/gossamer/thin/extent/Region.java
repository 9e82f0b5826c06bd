package dev.gossamer.thin.extent;

import dev.gossamer.io.Invariant;

/**
 * What is known of 512 virtual blocks: an immutable array of extents, two longs each, ascending and without overlap.
 *
 * <pre>
 *  word 0   63      44 43          20 19  18 17         9 8         0
 *          +----------+--------------+------+------------+-----------+
 *          |    0     |     time     | kind | length - 1 |   start   |
 *          +----------+--------------+------+------------+-----------+
 *  word 1                     data block of the first virtual block
 * </pre>
 *
 * <p>{@code start} counts from the region's first block. Blocks in no extent are unmapped. A published array is never
 * changed (rule EM-1): each change makes a new one, so a reader sees one moment or another and nothing between (the
 * race of rule 3.1 cannot be written). Neighbours are merged only if both sides are contiguous and of the same time and
 * kind (EM-3).
 *
 * <p>Memory: 16 bytes for an extent and 16 for the array, whatever the extents' length. A region whose blocks are one
 * run takes 32 bytes; one with no two blocks in a run 8208, which is 16.03 for each mapped block; one with nothing
 * mapped none.
 */
public final class Region {
    /** Virtual blocks in a region. */
    public static final int BLOCKS = 512;

    static final int BLOCK_BITS = 9;

    /** Reads may go to the data block; writes too, if the time says that no snapshot shares it. */
    public static final int MAPPED = 0;
    /** The worker holds the block: every request goes to it and waits there. */
    public static final int LOCKED = 1;
    /**
     * Trimmed in part: reads as if {@link #MAPPED}; every write goes to the worker, which must know of it (NBD T37a).
     */
    public static final int TRIMMED = 2;
    /** A job holds the block: reads as if {@link #MAPPED}; every write goes to the worker and waits there. */
    public static final int HELD = 3;

    /** A region with nothing mapped. */
    public static final long[] EMPTY = {};

    /** In place of an extent's first word, which is never negative. */
    private static final long NONE = -1;

    private static final int WORDS = 2;
    private static final int HEADER_WORDS = 2;
    private static final int LENGTH_SHIFT = 9;
    private static final int KIND_SHIFT = 18;
    private static final int TIME_SHIFT = 20;
    private static final int TIME_MASK = (1 << 24) - 1;

    private Region() {}

    /** Number of extents. */
    public static int count(long[] region) {
        return region.length / WORDS;
    }

    /**
     * Longs that a region takes on the heap, its header included; null and {@link #EMPTY}, which is shared, take none.
     */
    public static int words(long[] region) {
        return region == null || region.length == 0 ? 0 : HEADER_WORDS + region.length;
    }

    public static int start(long[] region, int index) {
        return start(region[index * WORDS]);
    }

    public static int length(long[] region, int index) {
        return length(region[index * WORDS]);
    }

    private static int start(long extent) {
        return (int) extent & (BLOCKS - 1);
    }

    private static int length(long extent) {
        return ((int) (extent >>> LENGTH_SHIFT) & (BLOCKS - 1)) + 1;
    }

    /** First block of the region after the extent. */
    public static int end(long[] region, int index) {
        return start(region, index) + length(region, index);
    }

    public static int kind(long[] region, int index) {
        return (int) (region[index * WORDS] >>> KIND_SHIFT) & 3;
    }

    /** The pool's time when the extent was mapped. */
    public static int time(long[] region, int index) {
        return (int) (region[index * WORDS] >>> TIME_SHIFT) & TIME_MASK;
    }

    /** The data block behind a block of the extent. */
    public static long dataBlock(long[] region, int index, int block) {
        return region[index * WORDS + 1] + (block - start(region, index));
    }

    /** The extent that holds the block, or else {@code -(index of the first extent after it) - 1}. */
    public static int find(long[] region, int block) {
        int low = 0;
        int high = count(region) - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (start(region, middle) > block) {
                high = middle - 1;
            } else if (end(region, middle) <= block) {
                low = middle + 1;
            } else {
                return middle;
            }
        }
        return -low - 1;
    }

    /** A region in which the blocks are one extent, whatever was there before. */
    public static long[] with(long[] region, int start, int length, int kind, int time, long dataBlock) {
        return replace(region, start, length, word(start, length, kind, time), dataBlock);
    }

    /** A region in which the blocks are unmapped. */
    public static long[] without(long[] region, int start, int length) {
        return replace(region, start, length, NONE, 0);
    }

    /** A region in which what is mapped of blocks {@code [start, end)} is of another kind. */
    public static long[] withKind(long[] region, int start, int end, int kind) {
        long[] changed = region;
        for (int i = 0; i < count(region); i++) {
            int from = Math.max(start, start(region, i));
            int to = Math.min(end, end(region, i));
            if (from < to) {
                changed = with(changed, from, to - from, kind, time(region, i), dataBlock(region, i, from));
            }
        }
        return changed;
    }

    /** Collects extents in ascending order into a region; for loading one from the mapping tree. */
    public static final class Builder {
        private final long[] words = new long[BLOCKS * WORDS];
        private int size;

        /** Forgets what was added. */
        public void clear() {
            size = 0;
        }

        /** Adds one block, {@link #MAPPED} or {@link #TRIMMED}. */
        public void add(int block, int kind, long dataBlock, int time) {
            size = append(words, size, word(block, 1, kind, time), dataBlock);
        }

        /** The region; the builder is empty afterwards. */
        public long[] build() {
            long[] region = size == 0 ? EMPTY : java.util.Arrays.copyOf(words, size);
            size = 0;
            return region;
        }
    }

    private static long word(int start, int length, int kind, int time) {
        return start | (long) (length - 1) << LENGTH_SHIFT | (long) kind << KIND_SHIFT | (long) time << TIME_SHIFT;
    }

    /**
     * Only extents that overlap or touch the blocks are looked at, what is before and behind is copied as it is: at
     * most one of them reaches in from before and one sticks out behind. The result is all that is allocated: this is
     * done once for each block that is provisioned.
     *
     * @param middle the extent to put in, or {@link #NONE}
     */
    private static long[] replace(long[] region, int start, int length, long middle, long dataBlock) {
        Invariant.check(start >= 0 && length > 0 && start + length <= BLOCKS, "extent outside its region");
        int end = start + length;
        int from = firstEndingFrom(region, start);
        int to = firstBeginningBehind(region, from, end);
        long left = from < to ? cut(region, from, 0, start) : NONE;
        long leftBlock = left == NONE ? 0 : region[from * WORDS + 1];
        long right = from < to ? cut(region, to - 1, end, BLOCKS) : NONE;
        long rightBlock = right == NONE ? 0 : dataBlock(region, to - 1, start(right));
        long put = middle;
        long putBlock = dataBlock;
        if (continues(left, leftBlock, put, putBlock)) {
            put = joined(left, put);
            putBlock = leftBlock;
            left = NONE;
        }
        if (continues(put, putBlock, right, rightBlock)) {
            put = joined(put, right);
            right = NONE;
        }
        int before = from * WORDS;
        int behind = region.length - to * WORDS;
        int size = before + words(left) + words(put) + words(right) + behind;
        if (size == 0) {
            return EMPTY;
        }
        long[] result = new long[size];
        System.arraycopy(region, 0, result, 0, before);
        int at = put(result, before, left, leftBlock);
        at = put(result, at, put, putBlock);
        at = put(result, at, right, rightBlock);
        System.arraycopy(region, to * WORDS, result, at, behind);
        return result;
    }

    /** What of an extent lies in blocks {@code [from, to)}, or {@link #NONE}. */
    private static long cut(long[] region, int index, int from, int to) {
        int first = Math.max(from, start(region, index));
        int end = Math.min(to, end(region, index));
        return first < end ? word(first, end - first, kind(region, index), time(region, index)) : NONE;
    }

    private static int words(long extent) {
        return extent == NONE ? 0 : WORDS;
    }

    private static int put(long[] words, int at, long extent, long dataBlock) {
        if (extent == NONE) {
            return at;
        }
        words[at] = extent;
        words[at + 1] = dataBlock;
        return at + WORDS;
    }

    /** The first extent, from the given one on, that neither overlaps nor touches what ends at this block. */
    private static int firstBeginningBehind(long[] region, int from, int end) {
        int index = from;
        while (index < count(region) && start(region, index) <= end) {
            index++;
        }
        return index;
    }

    /** The first extent that ends at this block or behind it, so that it overlaps or touches what begins there. */
    private static int firstEndingFrom(long[] region, int block) {
        int found = block == 0 ? 0 : find(region, block - 1);
        return found >= 0 ? found : -found - 1;
    }

    /** Appends an extent, or lengthens the last one by it where they are one run (EM-3). */
    private static int append(long[] words, int size, long extent, long dataBlock) {
        if (size > 0 && continues(words[size - WORDS], words[size - 1], extent, dataBlock)) {
            words[size - WORDS] = joined(words[size - WORDS], extent);
            return size;
        }
        return put(words, size, extent, dataBlock);
    }

    /** Whether two extents are one run: contiguous on both sides, of the same time and kind. */
    private static boolean continues(long first, long firstBlock, long second, long secondBlock) {
        return first != NONE
                && second != NONE
                && first >>> KIND_SHIFT == second >>> KIND_SHIFT
                && start(first) + length(first) == start(second)
                && firstBlock + length(first) == secondBlock;
    }

    private static long joined(long first, long second) {
        return first + ((long) length(second) << LENGTH_SHIFT);
    }
}

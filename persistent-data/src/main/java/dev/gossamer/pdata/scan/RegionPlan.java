package dev.gossamer.pdata.scan;

/**
 * Which regions are read to get at wanted blocks: ascending, none larger than {@link #MAX_BLOCKS}. A gap of a few
 * blocks costs less to read over than a further request.
 */
public final class RegionPlan {
    /** A mebibyte: a rotating disk is at full speed with it. */
    public static final int MAX_BLOCKS = 256;

    private static final int GAP_BLOCKS = 8;

    private final WantedBlocks wanted;
    private long first;
    private long last;

    public RegionPlan(WantedBlocks wanted) {
        this.wanted = wanted;
        first = 0;
        last = -1;
    }

    /** Goes to the next region. @return whether there is one */
    public boolean advance() {
        first = wanted.next(last + 1);
        if (first < 0) {
            return false;
        }
        last = first;
        while (true) {
            long next = wanted.next(last + 1);
            if (next < 0 || next - last > GAP_BLOCKS || next - first >= MAX_BLOCKS) {
                return true;
            }
            last = next;
        }
    }

    public long first() {
        return first;
    }

    public int count() {
        return (int) (last - first + 1);
    }
}

package dev.gossamer.thin.offline;

import java.io.IOException;

/**
 * How two devices differ, in ranges of blocks: mapped in one of them only, in both to the same data, in both to
 * different data. Times are no difference (OT-15). Both walks go on in step, so memory does not grow with the pool.
 */
public final class PoolDelta {
    /** In which way a range differs. */
    public enum Kind {
        LEFT_ONLY,
        RIGHT_ONLY,
        DIFFERENT,
        SAME
    }

    /** Told the ranges, upwards. */
    public interface Ranges {
        /**
         * Blocks next to each other that are of one kind; if asked for, only while their data is, too.
         *
         * @param leftData where the left device's data begins; meaningless if it has none
         * @param rightData the right device's likewise
         */
        void range(Kind kind, long begin, long length, long leftData, long rightData) throws IOException;
    }

    /** No limit: a device is as long as its mappings. */
    public static final long NO_LIMIT = Long.MAX_VALUE;

    private final MappingCursor left;
    private final MappingCursor right;
    private final long leftLimit;
    private final long rightLimit;
    private final boolean same;
    private final boolean byData;
    private final Ranges ranges;

    private boolean hasLeft;
    private boolean hasRight;

    private Kind kind;
    private long begin;
    private long length;
    private long leftData;
    private long rightData;

    /**
     * @param leftLimit the left device ends there, whatever it has mapped behind
     * @param same whether to tell of what is the same
     * @param byData whether ranges also end where data are not next to each other
     */
    public PoolDelta(
            MappingCursor left,
            MappingCursor right,
            long leftLimit,
            long rightLimit,
            boolean same,
            boolean byData,
            Ranges ranges) {
        this.left = left;
        this.right = right;
        this.leftLimit = leftLimit;
        this.rightLimit = rightLimit;
        this.same = same;
        this.byData = byData;
        this.ranges = ranges;
    }

    /** Compares everything. */
    public void run() throws IOException {
        hasLeft = advance(left, leftLimit);
        hasRight = advance(right, rightLimit);
        while (hasLeft || hasRight) {
            if (!same && hasLeft && hasRight && left.isAtSameLeaf(right)) {
                left.passLeaf();
                right.passLeaf();
                hasLeft = advance(left, leftLimit);
                hasRight = advance(right, rightLimit);
                continue;
            }
            step();
        }
        flush();
    }

    private static boolean advance(MappingCursor cursor, long limit) throws IOException {
        return cursor.next() && Long.compareUnsigned(cursor.virtualBlock(), limit) < 0;
    }

    private void step() throws IOException {
        int order = !hasRight ? -1 : !hasLeft ? 1 : Long.compareUnsigned(left.virtualBlock(), right.virtualBlock());
        if (order < 0) {
            add(Kind.LEFT_ONLY, left.virtualBlock(), left.dataBlock(), 0);
        } else if (order > 0) {
            add(Kind.RIGHT_ONLY, right.virtualBlock(), 0, right.dataBlock());
        } else {
            boolean equal = left.dataBlock() == right.dataBlock();
            if (!equal || same) {
                add(equal ? Kind.SAME : Kind.DIFFERENT, left.virtualBlock(), left.dataBlock(), right.dataBlock());
            }
        }
        if (order <= 0) {
            hasLeft = advance(left, leftLimit);
        }
        if (order >= 0) {
            hasRight = advance(right, rightLimit);
        }
    }

    private void add(Kind nextKind, long block, long nextLeft, long nextRight) throws IOException {
        boolean follows = length > 0 && nextKind == kind && block == begin + length;
        boolean dataFollows = (nextKind == Kind.RIGHT_ONLY || nextLeft == leftData + length)
                && (nextKind == Kind.LEFT_ONLY || nextRight == rightData + length);
        if (follows && (!byData || dataFollows)) {
            length++;
            return;
        }
        flush();
        kind = nextKind;
        begin = block;
        length = 1;
        leftData = nextLeft;
        rightData = nextRight;
    }

    private void flush() throws IOException {
        if (length > 0) {
            ranges.range(kind, begin, length, leftData, rightData);
            length = 0;
        }
    }
}

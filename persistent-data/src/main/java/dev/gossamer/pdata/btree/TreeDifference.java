package dev.gossamer.pdata.btree;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import java.util.Arrays;

/**
 * Where two trees of one kind differ: the keys that only one of them has, and those whose values the {@link ValueType}
 * does not call equal.
 *
 * <p>Each tree is walked as a sequence of items, an item being an entry of a leaf or a subtree that has not been looked
 * into.
 *
 * <ol>
 *   <li>If both walks are at the same subtree, both pass it unread. Trees that were one tree once share all subtrees
 *       that neither has changed since, so the cost follows the difference and not the size.
 *   <li>An entry below the other walk's item is in one tree only; two entries of one key are compared.
 *   <li>Otherwise the higher of the two items is looked into, so that the walks reach equal heights, where equal nodes
 *       can meet. Where nodes begin and end does not matter: at worst the walks go through one leaf, entry by entry,
 *       until they are in step again.
 * </ol>
 *
 * <p>Holds no block and no position between calls, so the trees may change in between. The answer lies in this object
 * until the next call.
 */
public final class TreeDifference {
    private final BTree tree;
    private final TreeWalker left;
    private final TreeWalker right;
    // From and to of each range.
    private long[] bounds = new long[32];
    private int ranges;
    private long doneTo;

    /** @param tree the code of both trees; their values are compared by its type */
    public TreeDifference(BTree tree) {
        this.tree = tree;
        left = new TreeWalker(tree);
        right = new TreeWalker(tree);
    }

    /**
     * Compares the keys in {@code [fromKey, toKeyExclusive)}, from the lowest on, until one of the limits is reached;
     * look at {@link #doneTo} then.
     *
     * @param leftRoot root of a tree, or {@link BTree#NO_TREE} for one without entries; {@code rightRoot} likewise
     * @param maxRanges ranges to report at most, 1 or more
     * @param maxNodes nodes to look into at most; exceeded only where less would be no progress at all
     */
    public void compare(long leftRoot, long rightRoot, long fromKey, long toKeyExclusive, int maxRanges, int maxNodes)
            throws StorageException {
        Invariant.check(maxRanges > 0, "a comparison that may not report anything");
        ranges = 0;
        left.start(leftRoot, fromKey, toKeyExclusive);
        right.start(rightRoot, fromKey, toKeyExclusive);
        while (!left.isAtEnd() || !right.isAtEnd()) {
            doneTo = lower(left.low(), right.low());
            boolean progress = Long.compareUnsigned(doneTo, fromKey) > 0;
            if ((progress && nodesRead() >= maxNodes) || !step(maxRanges)) {
                return;
            }
        }
        doneTo = toKeyExclusive;
    }

    /** First key that the last call did not compare; the end of its range if it compared everything. */
    public long doneTo() {
        return doneTo;
    }

    /** How many ranges differ: ascending, not touching each other. */
    public int ranges() {
        return ranges;
    }

    /** First key of a range. */
    public long from(int range) {
        return bounds[2 * range];
    }

    /** First key after a range. */
    public long to(int range) {
        return bounds[2 * range + 1];
    }

    /** Nodes that the last call looked into, in both trees together. */
    public int nodesRead() {
        return left.nodesRead() + right.nodesRead();
    }

    /** Gets on by one item. @return false if there is no room for the range that would have to be reported */
    private boolean step(int maxRanges) throws StorageException {
        int order = Long.compareUnsigned(left.low(), right.low());
        if (left.isSameSubtree(right)) {
            left.advance();
            right.advance();
        } else if (left.isEntry() && order < 0) {
            return pass(left, maxRanges);
        } else if (right.isEntry() && order > 0) {
            return pass(right, maxRanges);
        } else if (left.isEntry() && right.isEntry()) {
            if (!tree.type.isEqual(left.value(), right.value()) && !report(left.low(), maxRanges)) {
                return false;
            }
            left.advance();
            right.advance();
        } else if (left.height() > right.height() || (left.height() == right.height() && order <= 0)) {
            left.descend();
        } else {
            right.descend();
        }
        return true;
    }

    /** The other tree does not have this key. */
    private boolean pass(TreeWalker side, int maxRanges) throws StorageException {
        if (!report(side.low(), maxRanges)) {
            return false;
        }
        side.advance();
        return true;
    }

    private boolean report(long key, int maxRanges) {
        if (ranges > 0 && bounds[2 * ranges - 1] == key) {
            bounds[2 * ranges - 1]++;
            return true;
        }
        if (ranges == maxRanges) {
            return false;
        }
        if (2 * ranges == bounds.length) {
            bounds = Arrays.copyOf(bounds, 2 * bounds.length);
        }
        bounds[2 * ranges] = key;
        bounds[2 * ranges + 1] = key + 1;
        ranges++;
        return true;
    }

    private static long lower(long a, long b) {
        return Long.compareUnsigned(a, b) <= 0 ? a : b;
    }
}

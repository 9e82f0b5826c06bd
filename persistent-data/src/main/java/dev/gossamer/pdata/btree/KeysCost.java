package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * How many blocks changing certain keys of a tree takes at most, found by looking at the nodes on their ways. A bound
 * by the number of keys alone ({@link BTree#changeCost}) would have each in a leaf of its own. For a tree that shares
 * no nodes with another one. Changes nothing. Worker's thread.
 *
 * <p>What is taken:
 *
 * <ul>
 *   <li>a copy of each node on a way that the transaction has not copied yet;
 *   <li>a new node where one has not enough room: first when it is full, then each time that half a node more has come
 *       in. An inner node is split when it is full on somebody's way, also if that was the last child that it had room
 *       for, and for each half node of new children;
 *   <li>copies of the neighbours on both sides of a node that may take their entries or give them its own: of one that
 *       may get too full, or, where keys are removed, too empty. Who has taken from a full one may get full in turn,
 *       and gives to its own neighbour;
 *   <li>the two halves below a root that is split, which stays where it is.
 * </ul>
 */
public final class KeysCost {
    private static final int NEIGHBOURS = 2;
    private static final int NEIGHBOURS_OF_FULL = 4;

    private final BTree tree;
    private boolean grows;
    private boolean shrinks;
    private long cost;

    public KeysCost(BTree tree) {
        this.tree = tree;
    }

    /**
     * Looks at the ways.
     *
     * @param keys in ascending order, the first {@code count}
     * @param mayInsert whether some may be new
     * @param mayRemove whether some may be removed
     */
    public long of(long root, long[] keys, int count, boolean mayInsert, boolean mayRemove) throws StorageException {
        if (count == 0) {
            return 0;
        }
        grows = mayInsert;
        shrinks = mayRemove;
        cost = 0;
        long halves = visit(root, tree.readRoot(root), tree.maxKey, keys, 0, count, 0);
        return cost + (halves > 0 ? 2 : 0);
    }

    /** @return how many nodes this one becomes more */
    private long visit(long location, MetadataBlock node, long bound, long[] keys, int from, int to, int depth)
            throws StorageException {
        if (depth >= BTree.MAX_DEPTH) {
            throw tree.tooDeep(location);
        }
        cost += tree.tx.isCommittedBlock(location) ? 1 : 0;
        int entries = NodeLayout.entries(node);
        int max = NodeLayout.maxEntries(node);
        boolean isFull = NodeLayout.isFull(node);
        boolean isLeaf = NodeLayout.isLeaf(node);
        long added = isLeaf ? to - from : children(location, entries, bound, keys, from, to, depth);
        boolean splits = grows && (isFull || entries + added > (isLeaf ? max : max - 1));
        long more = splits ? 1 + added / (max / 2) : 0;
        cost += more + (depth == 0 ? 0 : splits ? NEIGHBOURS_OF_FULL : shrinks ? NEIGHBOURS : 0);
        return more;
    }

    private long children(long location, int entries, long bound, long[] keys, int from, int to, int depth)
            throws StorageException {
        long added = 0;
        int first = from;
        while (first < to) {
            MetadataBlock node = tree.read(location);
            int index = Math.max(0, NodeLayout.indexOf(node, keys[first]));
            int end = first + 1;
            while (end < to
                    && (index + 1 == entries || Long.compareUnsigned(keys[end], NodeLayout.key(node, index + 1)) < 0)) {
                end++;
            }
            long childBound = NodeLayout.lastKeyBelow(node, index, bound);
            MetadataBlock child = tree.readChild(node, index, childBound);
            added += visit(child.location(), child, childBound, keys, first, end, depth + 1);
            first = end;
        }
        return added;
    }
}

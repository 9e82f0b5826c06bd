package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;
import java.util.function.LongConsumer;

/**
 * Goes where a removal of entries would go, and tells what it would copy and count, before anything is changed. What it
 * tells is an upper bound:
 *
 * <ul>
 *   <li>Copied are nodes on the ways to the entries and, to be merged with them, their next neighbours on either side;
 *       no node further off, for a node that gives or takes entries keeps as many as it must have.
 *   <li>A copy of a shared node gives all that is in it one more parent.
 *   <li>A leaf that goes as a whole is not copied; its values are dropped if it had one parent only. The last one may
 *       be copied all the same, where it takes the root's place.
 * </ul>
 *
 * Reads what the removal would read. Worker's thread.
 */
public final class RemovalWalk {
    /** Hears of values whose counts would change. */
    public interface Values {
        /** A leaf with the value would be copied, and the other one stays. */
        void raised(long word) throws StorageException;

        /** The value would be taken out of a leaf. */
        void lowered(long word) throws StorageException;
    }

    private enum Side {
        LEFT,
        INSIDE,
        RIGHT
    }

    /** Counts from here on are kept in the overflow tree. */
    private static final int HIGH = 3;

    private final BTree tree;
    private Values values;
    private long fromKey;
    private long lastKey;
    private long left;
    private long nodes;
    private final LongConsumer high;

    RemovalWalk(BTree tree, LongConsumer high) {
        this.tree = tree;
        this.high = high;
    }

    /**
     * Looks at the removal of the first {@code maxEntries} entries from {@code from} up to {@code last}.
     *
     * @param shared whether another root leads to this tree through a node above it
     */
    public void look(long root, long from, long last, long maxEntries, boolean shared, Values hears)
            throws StorageException {
        values = hears;
        fromKey = from;
        lastKey = last;
        left = maxEntries;
        nodes = 0;
        visit(root, tree.readRoot(root), tree.maxKey, 0, shared, Side.INSIDE);
    }

    /**
     * Looks at what dropping a tree's only root would drop.
     *
     * @param alone whether other trees that share nodes with this one stay; if they may go as well, what is shared is
     *     counted, too
     */
    public void lookAtDeletion(long root, boolean alone, Values hears) throws StorageException {
        values = hears;
        nodes = 0;
        drop(root, tree.readRoot(root), tree.maxKey, alone, 0);
    }

    private void drop(long location, MetadataBlock node, long bound, boolean alone, int depth) throws StorageException {
        if (depth >= BTree.MAX_DEPTH) {
            throw tree.tooDeep(location);
        }
        long count = tree.tx.count(location);
        if (count >= HIGH) {
            high.accept(location);
        }
        if (count > 1 && alone) {
            return;
        }
        int entries = NodeLayout.entries(node);
        boolean leaf = NodeLayout.isLeaf(node);
        for (int i = 0; i < entries; i++) {
            MetadataBlock present = tree.read(location);
            if (leaf) {
                values.lowered(NodeLayout.word(present, i, 0));
            } else {
                long childBound = NodeLayout.lastKeyBelow(present, i, bound);
                MetadataBlock child = tree.readChild(present, i, childBound);
                drop(child.location(), child, childBound, alone, depth + 1);
            }
        }
    }

    /** Nodes that would be copied. */
    public long nodes() {
        return nodes;
    }

    private void visit(long location, MetadataBlock node, long bound, int depth, boolean parentShared, Side side)
            throws StorageException {
        if (depth >= BTree.MAX_DEPTH) {
            throw tree.tooDeep(location);
        }
        long count = tree.tx.count(location);
        boolean shared = parentShared || count > 1;
        nodes += shared || tree.tx.isCommittedBlock(location) ? 1 : 0;
        if (count + (parentShared ? 1 : 0) >= HIGH) {
            high.accept(location);
        }
        if (NodeLayout.isLeaf(node)) {
            boolean last = Long.compareUnsigned(bound, lastKey) >= 0;
            leaf(location, shared, side, last);
            return;
        }
        int entries = NodeLayout.entries(node);
        if (shared) {
            raiseChildren(location, entries);
        }
        switch (side) {
            case LEFT -> child(location, entries - 1, bound, depth, shared, side);
            case RIGHT -> child(location, 0, bound, depth, shared, side);
            case INSIDE -> inside(location, bound, depth, shared);
        }
    }

    private void inside(long location, long bound, int depth, boolean shared) throws StorageException {
        MetadataBlock node = tree.read(location);
        int entries = NodeLayout.entries(node);
        int first = Math.max(0, NodeLayout.indexOf(node, fromKey));
        int last = Math.max(first, NodeLayout.indexOf(node, lastKey));
        if (first > 0) {
            child(location, first - 1, bound, depth, shared, Side.LEFT);
        }
        int next = first;
        while (next <= last && (left > 0 || next == first)) {
            child(location, next++, bound, depth, shared, Side.INSIDE);
        }
        if (next < entries) {
            child(location, next, bound, depth, shared, Side.RIGHT);
        }
    }

    private void child(long parent, int index, long parentBound, int depth, boolean shared, Side side)
            throws StorageException {
        MetadataBlock node = tree.read(parent);
        long bound = NodeLayout.lastKeyBelow(node, index, parentBound);
        MetadataBlock child = tree.readChild(node, index, bound);
        visit(child.location(), child, bound, depth + 1, shared, side);
    }

    private void raiseChildren(long location, int entries) throws StorageException {
        for (int i = 0; i < entries; i++) {
            long child = NodeLayout.child(tree.read(location), i);
            if (tree.tx.count(child) + 1 >= HIGH) {
                high.accept(child);
            }
        }
    }

    private void leaf(long location, boolean shared, Side side, boolean last) throws StorageException {
        MetadataBlock leaf = tree.read(location);
        long[] words = new long[NodeLayout.entries(leaf)];
        int from = 0;
        int to = 0;
        for (int i = 0; i < words.length; i++) {
            long key = NodeLayout.key(leaf, i);
            words[i] = NodeLayout.word(leaf, i, 0);
            from += Long.compareUnsigned(key, fromKey) < 0 ? 1 : 0;
            to += Long.compareUnsigned(key, lastKey) <= 0 ? 1 : 0;
        }
        to = side == Side.INSIDE ? (int) Math.min(to, from + left) : from;
        left -= Math.max(0, to - from);
        boolean whole = side == Side.INSIDE && from == 0 && to == words.length && left > 0 && !last;
        for (int i = 0; shared && !whole && i < words.length; i++) {
            values.raised(words[i]);
        }
        for (int i = from; !(shared && whole) && i < to; i++) {
            values.lowered(words[i]);
        }
    }
}

package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * A walk through a tree that may pass a subtree without looking into it. It stands at an item: a subtree, or an entry
 * of a leaf, or the end.
 */
final class TreeWalker {
    private static final int ENTRY = -1;
    private static final int END = -2;

    private final BTree tree;
    private final long[] value;
    private long fromKey;
    private long toKeyExclusive;
    private int rootHeight;
    private int nodesRead;

    // The way from the root to the item: nodes, and where in them we are.
    private final long[] locations = new long[BTree.MAX_DEPTH];
    private final int[] indexes = new int[BTree.MAX_DEPTH];
    // The last key that may be in the node.
    private final long[] bounds = new long[BTree.MAX_DEPTH];
    private int depth;

    // The item. A leaf has height 0.
    private int height = END;
    private long low;
    private long location;
    // What a subtree's place stands for.
    private long firstKey;
    private long lastKey;

    TreeWalker(BTree tree) {
        this.tree = tree;
        value = new long[tree.valueWords];
    }

    /** Goes to the root as the first item. Keys outside {@code [from, toExclusive)} are not met. */
    void start(long root, long from, long toExclusive) throws StorageException {
        fromKey = from;
        toKeyExclusive = toExclusive;
        depth = 0;
        nodesRead = 0;
        if (root == BTree.NO_TREE || Long.compareUnsigned(from, toExclusive) >= 0) {
            end();
            return;
        }
        rootHeight = heightOf(root);
        height = rootHeight;
        low = from;
        location = root;
        firstKey = 0;
        lastKey = tree.maxKey;
    }

    boolean isAtEnd() {
        return height == END;
    }

    boolean isEntry() {
        return height == ENTRY;
    }

    /** Where the subtree's root node is; for a subtree only. */
    long location() {
        return location;
    }

    boolean isSameSubtree(TreeWalker other) {
        return height >= 0 && other.height >= 0 && location == other.location;
    }

    /** Levels below the item; less for an entry, and least at the end. */
    int height() {
        return height;
    }

    /** The item's keys begin here or later. At the end, behind all keys. */
    long low() {
        return low;
    }

    /** The entry's value; good until the next call. */
    long[] value() throws StorageException {
        NodeLayout.getValue(tree.read(locations[depth - 1]), indexes[depth - 1], value);
        return value;
    }

    /** Nodes looked into since the start. */
    int nodesRead() {
        return nodesRead;
    }

    /** Passes the item. */
    void advance() throws StorageException {
        if (depth == 0) {
            end();
        } else {
            indexes[depth - 1]++;
            settle();
        }
    }

    /** Looks into the subtree: goes to the first item in it, or past it. */
    void descend() throws StorageException {
        MetadataBlock node = depth == 0 ? tree.readRoot(location) : tree.readBetween(location, firstKey, lastKey);
        nodesRead++;
        if (NodeLayout.isLeaf(node) != (height == 0)) {
            throw NodeLayout.corrupt(node, "is " + height + " levels above the leaves, but does not look so");
        }
        int index = NodeLayout.indexOf(node, fromKey);
        boolean tooLow = index >= 0 && height == 0 && NodeLayout.key(node, index) != fromKey;
        locations[depth] = location;
        bounds[depth] = lastKey;
        indexes[depth] = tooLow ? index + 1 : Math.max(0, index);
        depth++;
        settle();
    }

    /** Finds the item at the present place, upwards if the node has none left. */
    private void settle() throws StorageException {
        while (depth > 0) {
            int top = depth - 1;
            int index = indexes[top];
            MetadataBlock node = tree.read(locations[top]);
            if (index < NodeLayout.entries(node)) {
                place(node, index);
                return;
            }
            depth--;
            if (depth > 0) {
                indexes[depth - 1]++;
            }
        }
        end();
    }

    private void place(MetadataBlock node, int index) {
        low = NodeLayout.key(node, index);
        if (Long.compareUnsigned(low, toKeyExclusive) >= 0) {
            end();
            return;
        }
        height = rootHeight - depth;
        if (height >= 0) {
            location = NodeLayout.child(node, index);
            firstKey = low;
            lastKey = NodeLayout.lastKeyBelow(node, index, bounds[depth - 1]);
            if (Long.compareUnsigned(low, fromKey) < 0) {
                low = fromKey;
            }
        }
    }

    private void end() {
        depth = 0;
        height = END;
        low = -1;
    }

    private int heightOf(long root) throws StorageException {
        MetadataBlock node = tree.readRoot(root);
        long bound = tree.maxKey;
        for (int levels = 0; levels < BTree.MAX_DEPTH; levels++) {
            if (NodeLayout.isLeaf(node)) {
                return levels;
            }
            int index = Math.max(0, NodeLayout.indexOf(node, fromKey));
            bound = NodeLayout.lastKeyBelow(node, index, bound);
            node = tree.readChild(node, index, bound);
        }
        throw tree.tooDeep(root);
    }
}

package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * Removal (on-disk format, 5.3): top down, and a node that is about to be entered is first brought above the least
 * number of entries by its neighbour. A range goes leaf by leaf: whole leaves are unhooked from their parent without
 * being cloned, as far as the parent can spare them.
 */
final class TreeRemove {
    private final BTree tree;
    private final BTreeCursor cursor;
    private long removedCount;

    TreeRemove(BTree tree) {
        this.tree = tree;
        cursor = new BTreeCursor(tree);
    }

    long removedCount() {
        return removedCount;
    }

    boolean hasKeyIn(long root, long fromKey, long toKeyExclusive) throws StorageException {
        cursor.seek(root, fromKey);
        return cursor.next() && Long.compareUnsigned(cursor.key(), toKeyExclusive) < 0;
    }

    long removeKey(long root, long key) throws StorageException {
        removedCount = 0;
        // Look first: a key that is not there must not cost a path of shadows.
        cursor.seek(root, key);
        if (!cursor.next() || cursor.key() != key) {
            return root;
        }
        return collapse(removeFrom(root, key, key));
    }

    /** Removes {@code [fromKey, toKeyExclusive)}. */
    long removeRange(long root, long fromKey, long toKeyExclusive) throws StorageException {
        removedCount = 0;
        if (Long.compareUnsigned(fromKey, toKeyExclusive) >= 0) {
            return root;
        }
        long lastKey = toKeyExclusive - 1;
        long newRoot = root;
        boolean changed = false;
        cursor.seek(newRoot, fromKey);
        while (cursor.next() && Long.compareUnsigned(cursor.key(), lastKey) <= 0) {
            newRoot = removeFrom(newRoot, cursor.key(), lastKey);
            changed = true;
            cursor.seek(newRoot, fromKey);
        }
        return changed ? collapse(newRoot) : root;
    }

    // One walk to the key that is known to be there: removes it, and what follows of the range as far as is at hand.
    private long removeFrom(long root, long key, long lastKey) throws StorageException {
        MetadataBlock node = tree.shadowRoot(root);
        final long newRoot = node.location();
        long bound = tree.maxKey;
        for (int steps = 0; steps < 2 * BTree.MAX_DEPTH; steps++) {
            boolean isRoot = node.location() == newRoot;
            if (NodeLayout.isLeaf(node)) {
                removeEntries(node, isRoot, key, lastKey);
                return newRoot;
            }
            if (NodeLayout.entries(node) == 1) {
                pullUp(node, bound);
                continue;
            }
            int index = NodeLayout.indexOf(node, key);
            MetadataBlock child = readChild(node, index, bound);
            if (NodeLayout.isLeaf(child) && removeLeaves(node, isRoot, index, bound, key, lastKey)) {
                return newRoot;
            }
            child = readChild(node, index, bound);
            if (NodeLayout.entries(child) <= NodeLayout.minEntries(child)) {
                rebalance(node, index, bound);
                if (NodeLayout.entries(node) == 1) {
                    continue;
                }
                index = NodeLayout.indexOf(node, key);
            }
            bound = NodeLayout.lastKeyBelow(node, index, bound);
            node = tree.shadowChild(node, index, bound);
        }
        throw tree.tooDeep(root);
    }

    private void removeEntries(MetadataBlock leaf, boolean isRoot, long key, long lastKey) throws StorageException {
        int from = NodeLayout.indexOf(leaf, key);
        int to = NodeLayout.indexOf(leaf, lastKey) + 1;
        if (!isRoot) {
            int spare = NodeLayout.entries(leaf) - NodeLayout.minEntries(leaf);
            to = Math.min(to, from + Math.max(1, spare));
        }
        for (int i = from; i < to; i++) {
            tree.decrementValue(leaf, i);
        }
        NodeLayout.removeEntries(leaf, from, to);
        removedCount += to - from;
    }

    // Leaves that lie in the range with all their entries go without a visit: a shared one costs just one decrement.
    private boolean removeLeaves(MetadataBlock parent, boolean isRoot, int index, long bound, long key, long lastKey)
            throws StorageException {
        int spare = NodeLayout.entries(parent) - (isRoot ? 1 : NodeLayout.minEntries(parent));
        int removed = 0;
        while (removed < spare && index < NodeLayout.entries(parent)) {
            MetadataBlock leaf = readChild(parent, index, bound);
            int entries = NodeLayout.entries(leaf);
            boolean inside = NodeLayout.isLeaf(leaf)
                    && Long.compareUnsigned(NodeLayout.key(leaf, 0), key) >= 0
                    && Long.compareUnsigned(NodeLayout.key(leaf, entries - 1), lastKey) <= 0;
            if (!inside) {
                break;
            }
            tree.delete(leaf.location(), key, lastKey, 1);
            NodeLayout.removeEntries(parent, index, index + 1);
            removedCount += entries;
            removed++;
        }
        return removed > 0;
    }

    /** Moves entries between a child and its neighbour, or makes one of the two. The parent has two at least. */
    void rebalance(MetadataBlock parent, int index, long bound) throws StorageException {
        int leftIndex = Math.max(0, index - 1);
        // Both are looked at before one is changed.
        readChild(parent, leftIndex, bound);
        readChild(parent, leftIndex + 1, bound);
        MetadataBlock left = tree.shadowChild(parent, leftIndex, NodeLayout.lastKeyBelow(parent, leftIndex, bound));
        MetadataBlock right =
                tree.shadowChild(parent, leftIndex + 1, NodeLayout.lastKeyBelow(parent, leftIndex + 1, bound));
        int total = NodeLayout.entries(left) + NodeLayout.entries(right);
        if (total < 2 * (NodeLayout.minEntries(left) + 1)) {
            NodeLayout.balance(left, right, total);
            NodeLayout.removeEntries(parent, leftIndex + 1, leftIndex + 2);
            // Its children moved and keep their counts; only the node itself goes.
            tree.tx.decrement(right.location());
        } else {
            NodeLayout.balance(left, right, total / 2);
            NodeLayout.setKey(parent, leftIndex + 1, NodeLayout.key(right, 0));
        }
    }

    /** Replaces a node, which may have keys up to {@code bound}, by its only child. */
    void pullUp(MetadataBlock node, long bound) throws StorageException {
        long location = NodeLayout.child(node, 0);
        boolean shared = tree.tx.isShared(location);
        node.copyFrom(tree.readChild(node, 0, bound));
        if (shared) {
            tree.incrementChildren(node);
        }
        tree.tx.decrement(location);
    }

    long collapse(long root) throws StorageException {
        MetadataBlock node = tree.shadowRoot(root);
        for (int depth = 0; depth < BTree.MAX_DEPTH; depth++) {
            if (NodeLayout.isLeaf(node) || NodeLayout.entries(node) > 1) {
                return node.location();
            }
            pullUp(node, tree.maxKey);
        }
        throw tree.tooDeep(root);
    }

    private MetadataBlock readChild(MetadataBlock parent, int index, long bound) throws StorageException {
        return tree.readChild(parent, index, NodeLayout.lastKeyBelow(parent, index, bound));
    }
}

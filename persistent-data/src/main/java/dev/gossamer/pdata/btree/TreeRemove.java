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
        MetadataBlock node = tree.shadow(root);
        final long newRoot = node.location();
        for (int steps = 0; steps < 2 * BTree.MAX_DEPTH; steps++) {
            boolean isRoot = node.location() == newRoot;
            if (NodeLayout.isLeaf(node)) {
                removeEntries(node, isRoot, key, lastKey);
                return newRoot;
            }
            if (NodeLayout.entries(node) == 1) {
                pullUp(node);
                continue;
            }
            int index = NodeLayout.indexOf(node, key);
            MetadataBlock child = tree.read(NodeLayout.child(node, index));
            if (NodeLayout.isLeaf(child) && removeLeaves(node, isRoot, index, key, lastKey)) {
                return newRoot;
            }
            child = tree.read(NodeLayout.child(node, index));
            if (NodeLayout.entries(child) <= NodeLayout.minEntries(child)) {
                rebalance(node, index);
                if (NodeLayout.entries(node) == 1) {
                    continue;
                }
                index = NodeLayout.indexOf(node, key);
            }
            node = tree.shadowChild(node, index);
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
    private boolean removeLeaves(MetadataBlock parent, boolean isRoot, int index, long key, long lastKey)
            throws StorageException {
        int spare = NodeLayout.entries(parent) - (isRoot ? 1 : NodeLayout.minEntries(parent));
        int removed = 0;
        while (removed < spare && index < NodeLayout.entries(parent)) {
            MetadataBlock leaf = tree.read(NodeLayout.child(parent, index));
            int entries = NodeLayout.entries(leaf);
            boolean inside = entries > 0
                    && Long.compareUnsigned(NodeLayout.key(leaf, 0), key) >= 0
                    && Long.compareUnsigned(NodeLayout.key(leaf, entries - 1), lastKey) <= 0;
            if (!inside) {
                break;
            }
            tree.delete(leaf.location());
            NodeLayout.removeEntries(parent, index, index + 1);
            removedCount += entries;
            removed++;
        }
        return removed > 0;
    }

    void rebalance(MetadataBlock parent, int index) throws StorageException {
        int leftIndex = Math.max(0, index - 1);
        MetadataBlock left = tree.shadowChild(parent, leftIndex);
        MetadataBlock right = tree.shadowChild(parent, leftIndex + 1);
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

    /** Replaces a node by its only child. */
    void pullUp(MetadataBlock node) throws StorageException {
        long location = NodeLayout.child(node, 0);
        boolean shared = tree.tx.isShared(location);
        node.copyFrom(tree.read(location));
        if (shared) {
            tree.incrementChildren(node);
        }
        tree.tx.decrement(location);
    }

    long collapse(long root) throws StorageException {
        MetadataBlock node = tree.shadow(root);
        for (int depth = 0; depth < BTree.MAX_DEPTH; depth++) {
            if (NodeLayout.isLeaf(node) || NodeLayout.entries(node) > 1) {
                return node.location();
            }
            pullUp(node);
        }
        throw tree.tooDeep(root);
    }
}

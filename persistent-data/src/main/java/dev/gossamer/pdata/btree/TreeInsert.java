package dev.gossamer.pdata.btree;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * Insertion (on-disk format, 5.2): top down, making room in a node before it is entered, so that a split always finds
 * room in the parent.
 */
final class TreeInsert {
    /** A neighbour takes entries only if it has at least this much room: less is not worth the move. */
    private static final int WORTHWHILE_ROOM = 8;

    private final BTree tree;
    private final long[] replaced;
    private boolean createdKey;
    // The last key that may be in the node where the insertion is.
    private long bound;

    TreeInsert(BTree tree) {
        this.tree = tree;
        replaced = new long[tree.valueWords];
    }

    boolean createdKey() {
        return createdKey;
    }

    long insert(long root, long key, long[] value) throws StorageException {
        Invariant.check(Long.compareUnsigned(key, tree.maxKey) <= 0, "a key that such a tree cannot have");
        MetadataBlock node = tree.shadowRoot(root);
        final long newRoot = node.location();
        if (needsRoom(node, key)) {
            splitRoot(node);
        }
        int depth = 0;
        bound = tree.maxKey;
        while (!NodeLayout.isLeaf(node)) {
            if (++depth >= BTree.MAX_DEPTH) {
                throw tree.tooDeep(root);
            }
            node = enter(node, key);
        }
        put(node, key, value);
        return newRoot;
    }

    private static boolean needsRoom(MetadataBlock node, long key) {
        return NodeLayout.isFull(node) && !(NodeLayout.isLeaf(node) && NodeLayout.contains(node, key));
    }

    private MetadataBlock enter(MetadataBlock node, long key) throws StorageException {
        int index = NodeLayout.indexOf(node, key);
        if (index < 0) {
            index = 0;
            NodeLayout.setKey(node, 0, key);
        }
        MetadataBlock child = shadowChild(node, index);
        if (needsRoom(child, key)) {
            if (!moveToNeighbour(node, index, child)) {
                split(node, index, child);
            }
            index = NodeLayout.indexOf(node, key);
            child = shadowChild(node, index);
        }
        bound = NodeLayout.lastKeyBelow(node, index, bound);
        return child;
    }

    private MetadataBlock shadowChild(MetadataBlock node, int index) throws StorageException {
        return tree.shadowChild(node, index, NodeLayout.lastKeyBelow(node, index, bound));
    }

    private boolean moveToNeighbour(MetadataBlock parent, int index, MetadataBlock child) throws StorageException {
        if (index > 0 && hasRoomToGive(parent, index - 1)) {
            MetadataBlock left = shadowChild(parent, index - 1);
            even(parent, index, left, child);
            return true;
        }
        if (index + 1 < NodeLayout.entries(parent) && hasRoomToGive(parent, index + 1)) {
            MetadataBlock right = shadowChild(parent, index + 1);
            even(parent, index + 1, child, right);
            return true;
        }
        return false;
    }

    // A shared neighbour stays untouched: cloning it would cost more than a split.
    private boolean hasRoomToGive(MetadataBlock parent, int index) throws StorageException {
        long location = NodeLayout.child(parent, index);
        if (tree.tx.isShared(location)) {
            return false;
        }
        try {
            MetadataBlock neighbour = tree.readChild(parent, index, NodeLayout.lastKeyBelow(parent, index, bound));
            return NodeLayout.maxEntries(neighbour) - NodeLayout.entries(neighbour) >= WORTHWHILE_ROOM;
        } catch (MetadataCorrupt e) {
            // It was only asked for help: who needs what is in it is told.
            return false;
        }
    }

    private static void even(MetadataBlock parent, int rightIndex, MetadataBlock left, MetadataBlock right)
            throws StorageException {
        int total = NodeLayout.entries(left) + NodeLayout.entries(right);
        NodeLayout.balance(left, right, total / 2);
        NodeLayout.setKey(parent, rightIndex, NodeLayout.key(right, 0));
    }

    private void split(MetadataBlock parent, int index, MetadataBlock left) throws StorageException {
        MetadataBlock right = tree.newNode(NodeLayout.flags(left));
        NodeLayout.balance(left, right, NodeLayout.entries(left) / 2);
        NodeLayout.insertKey(parent, index + 1, NodeLayout.key(right, 0));
        NodeLayout.setChild(parent, index + 1, right.location());
    }

    // The root's block stays the root and becomes the parent of its two halves.
    private void splitRoot(MetadataBlock root) throws StorageException {
        MetadataBlock left = tree.newNode(NodeLayout.flags(root));
        MetadataBlock right = tree.newNode(NodeLayout.flags(root));
        int entries = NodeLayout.entries(root);
        int half = entries / 2;
        NodeLayout.copyEntries(root, 0, left, 0, half);
        NodeLayout.setEntries(left, half);
        NodeLayout.copyEntries(root, half, right, 0, entries - half);
        NodeLayout.setEntries(right, entries - half);
        NodeLayout.format(root, NodeLayout.INTERNAL, NodeLayout.CHILD_BYTES);
        NodeLayout.setEntries(root, 2);
        NodeLayout.setKey(root, 0, NodeLayout.key(left, 0));
        NodeLayout.setChild(root, 0, left.location());
        NodeLayout.setKey(root, 1, NodeLayout.key(right, 0));
        NodeLayout.setChild(root, 1, right.location());
    }

    private void put(MetadataBlock leaf, long key, long[] value) throws StorageException {
        int index = NodeLayout.indexOf(leaf, key);
        createdKey = index < 0 || NodeLayout.key(leaf, index) != key;
        if (createdKey) {
            NodeLayout.insertKey(leaf, index + 1, key);
            NodeLayout.setValue(leaf, index + 1, value);
        } else {
            NodeLayout.getValue(leaf, index, replaced);
            NodeLayout.setValue(leaf, index, value);
            if (!tree.type.isEqual(replaced, value)) {
                tree.type.decrement(replaced);
            }
        }
    }
}

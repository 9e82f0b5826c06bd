package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * Walks the entries of a tree upwards. It reads each leaf once and holds no block, so that other trees may change
 * meanwhile; after a change of this one it must {@link #seek} again.
 */
public final class BTreeCursor {
    private final BTree tree;
    private final long[] locations = new long[BTree.MAX_DEPTH];
    private final int[] indexes = new int[BTree.MAX_DEPTH];
    // The last key that may be in the node.
    private final long[] bounds = new long[BTree.MAX_DEPTH];
    private int depth;
    // Nodes above the leaves; the same for all leaves. -1: not known yet.
    private int leafDepth;

    // The leaf's entries, copied.
    private long[] keys = new long[0];
    private long[] words = new long[0];
    private int entries;
    private int index;
    private long leafLocation;
    private int leavesRead;
    private boolean pathShared;
    private boolean pathSharedKnown;

    private long root;
    private long fromKey;
    private long lastKey;
    private boolean started;

    BTreeCursor(BTree tree) {
        this.tree = tree;
    }

    /** Places the cursor before the first entry with a key of at least {@code newFromKey}. Does no I/O. */
    public void seek(long newRoot, long newFromKey) {
        root = newRoot;
        fromKey = newFromKey;
        lastKey = -1;
        started = false;
    }

    /** Ends the walk before a key, which is not 0: no leaf is read that begins there or later. Until the next seek. */
    public BTreeCursor upTo(long toKeyExclusive) {
        lastKey = toKeyExclusive - 1;
        return this;
    }

    /** Goes to the next entry. False at the end. */
    public boolean next() throws StorageException {
        if (!started) {
            started = true;
            start();
        } else {
            index++;
        }
        while (index >= entries) {
            if (!nextLeaf()) {
                return false;
            }
        }
        return Long.compareUnsigned(keys[index], lastKey) <= 0;
    }

    public long key() {
        return keys[index];
    }

    /** One word of the value. */
    public long value(int word) {
        return words[index * tree.valueWords + word];
    }

    /** Leaves read since the cursor was made. */
    public int leavesRead() {
        return leavesRead;
    }

    /**
     * Whether the entry can be reached from another root as well, because a node between the root and it has more than
     * one parent. If not, the entry's value may still be in another leaf, too: that is for the value's own count to
     * tell.
     */
    public boolean isPathShared() throws StorageException {
        if (!pathSharedKnown) {
            pathShared = tree.tx.isShared(leafLocation);
            for (int i = 0; i < depth && !pathShared; i++) {
                pathShared = tree.tx.isShared(locations[i]);
            }
            pathSharedKnown = true;
        }
        return pathShared;
    }

    /**
     * As {@link #isPathShared}, in the state of the last commit. For a cursor on a root of that state: its nodes are on
     * disk as they were, whatever the running transaction has made of them.
     */
    public boolean isPathSharedInCommitted() throws StorageException {
        boolean shared = tree.tx.isSharedInCommitted(leafLocation);
        for (int i = 0; i < depth && !shared; i++) {
            shared = tree.tx.isSharedInCommitted(locations[i]);
        }
        return shared;
    }

    private void start() throws StorageException {
        depth = 0;
        leafDepth = -1;
        entries = 0;
        index = 0;
        if (root == BTree.NO_TREE) {
            return;
        }
        MetadataBlock node = tree.readRoot(root);
        bounds[0] = tree.maxKey;
        while (!NodeLayout.isLeaf(node)) {
            node = push(node, Math.max(0, NodeLayout.indexOf(node, fromKey)));
        }
        load(node);
        while (index < entries && Long.compareUnsigned(keys[index], fromKey) < 0) {
            index++;
        }
    }

    private boolean nextLeaf() throws StorageException {
        while (depth > 0) {
            int top = depth - 1;
            MetadataBlock node = tree.read(locations[top]);
            if (++indexes[top] < NodeLayout.entries(node)) {
                if (Long.compareUnsigned(NodeLayout.key(node, indexes[top]), lastKey) > 0) {
                    return false;
                }
                depth--;
                MetadataBlock child = push(node, indexes[top]);
                while (!NodeLayout.isLeaf(child)) {
                    child = push(child, 0);
                }
                load(child);
                return true;
            }
            depth--;
        }
        return false;
    }

    /** Remembers a node as the last one on the way, and goes to one of its children. */
    private MetadataBlock push(MetadataBlock node, int child) throws StorageException {
        if (depth >= BTree.MAX_DEPTH - 1) {
            throw tree.tooDeep(root);
        }
        locations[depth] = node.location();
        indexes[depth] = child;
        long bound = NodeLayout.lastKeyBelow(node, child, bounds[depth]);
        depth++;
        bounds[depth] = bound;
        return tree.readChild(node, child, bound);
    }

    private void load(MetadataBlock leaf) throws StorageException {
        if (leafDepth >= 0 && depth != leafDepth) {
            throw NodeLayout.corrupt(leaf, "is a leaf at depth " + depth + ", others of its tree are at " + leafDepth);
        }
        leafDepth = depth;
        entries = NodeLayout.entries(leaf);
        index = 0;
        leafLocation = leaf.location();
        leavesRead++;
        pathSharedKnown = false;
        if (keys.length < entries) {
            keys = new long[NodeLayout.maxEntries(leaf)];
            words = new long[NodeLayout.maxEntries(leaf) * tree.valueWords];
        }
        for (int i = 0; i < entries; i++) {
            keys[i] = NodeLayout.key(leaf, i);
            for (int word = 0; word < tree.valueWords; word++) {
                words[i * tree.valueWords + word] = NodeLayout.word(leaf, i, word);
            }
        }
    }
}

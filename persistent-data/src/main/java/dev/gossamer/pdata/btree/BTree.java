package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.tx.ChildReferences;
import dev.gossamer.pdata.tx.TransactionManager;

/**
 * A copy-on-write tree of one level; the object is the code, a root location is the tree. Keys are unsigned.
 *
 * <p>Every change takes a root and returns the new one; the old root still describes the old tree, as far as it has a
 * reference of its own. Changes walk from the root to a leaf and shadow each node on the way, and make room or merge on
 * the way down, so that nothing has to be undone upwards.
 *
 * <p>Any {@link StorageException} out of a change means that the transaction must be aborted.
 */
public final class BTree {
    /** In place of a root: there is no tree. Locations are not negative. */
    public static final long NO_TREE = -1;

    /** No upper bound for keys. */
    public static final long ALL_KEYS = -1;

    /** Nodes on a path: 64-bit keys need 11 levels at the least fan-out, so that anything deeper is a cycle. */
    static final int MAX_DEPTH = 24;

    final TransactionManager tx;
    final ValueType type;
    final int valueWords;
    /** No key may be above this one. */
    final long maxKey;

    private final ChildReferences children = this::incrementChildren;
    private final TreeInsert inserter;
    private final TreeRemove remover;
    private final TreeReclaim reclaim;
    // For values on their way to the value type; a change of this tree never starts another one of the same tree.
    private final long[] scratch;

    public BTree(TransactionManager tx, ValueType type) {
        this(tx, type, ALL_KEYS);
    }

    /** @param maxKey the highest key that such a tree can have; a tree with a higher one is damaged */
    public BTree(TransactionManager tx, ValueType type, long maxKey) {
        int bytes = type.sizeBytes();
        if (bytes != Integer.BYTES && (bytes < Long.BYTES || bytes > 3 * Long.BYTES || bytes % Long.BYTES != 0)) {
            throw new IllegalArgumentException("values of " + bytes + " bytes");
        }
        this.tx = tx;
        this.type = type;
        this.maxKey = maxKey;
        valueWords = Math.max(1, bytes / Long.BYTES);
        scratch = new long[valueWords];
        inserter = new TreeInsert(this);
        remover = new TreeRemove(this);
        reclaim = new TreeReclaim(this, remover);
    }

    /** Makes an empty tree: a leaf without entries, with count 1. */
    public long create() throws StorageException {
        return newNode(NodeLayout.LEAF).location();
    }

    /** Looks a key up. The value's words are copied out; without the key, {@code value} is left alone. */
    public boolean lookup(long root, long key, long[] value) throws StorageException {
        MetadataBlock node = readRoot(root);
        long bound = maxKey;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            int index = NodeLayout.indexOf(node, key);
            if (index < 0) {
                return false;
            }
            if (NodeLayout.isLeaf(node)) {
                if (NodeLayout.key(node, index) != key) {
                    return false;
                }
                NodeLayout.getValue(node, index, value);
                return true;
            }
            bound = NodeLayout.lastKeyBelow(node, index, bound);
            node = readChild(node, index, bound);
        }
        throw tooDeep(root);
    }

    /**
     * As {@link #lookup}, but looks at every node that an {@link #insert} of the key goes through: so damage on the way
     * is found while there is nothing to undo.
     */
    public boolean lookupForInsert(long root, long key, long[] value) throws StorageException {
        MetadataBlock node = readRoot(root);
        long bound = maxKey;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            int index = NodeLayout.indexOf(node, key);
            if (NodeLayout.isLeaf(node)) {
                boolean found = index >= 0 && NodeLayout.key(node, index) == key;
                if (found) {
                    NodeLayout.getValue(node, index, value);
                }
                return found;
            }
            index = Math.max(0, index);
            bound = NodeLayout.lastKeyBelow(node, index, bound);
            node = readChild(node, index, bound);
        }
        throw tooDeep(root);
    }

    /**
     * Inserts a value, or replaces the one there. A reference that the new value holds has been counted by the caller;
     * the one of a replaced value is dropped here, unless the type calls the two equal.
     *
     * @return the new root
     */
    public long insert(long root, long key, long[] value) throws StorageException {
        return inserter.insert(root, key, value);
    }

    /** Whether the last {@link #insert} added a key, rather than replace its value. */
    public boolean insertCreatedKey() {
        return inserter.createdKey();
    }

    /** Removes a key, if it is there. Returns the new root. */
    public long remove(long root, long key) throws StorageException {
        return remover.removeKey(root, key);
    }

    /** Removes all keys from {@code fromKey} up to, but not with, {@code toKeyExclusive}. Returns the new root. */
    public long removeRange(long root, long fromKey, long toKeyExclusive) throws StorageException {
        return remover.removeRange(root, fromKey, toKeyExclusive);
    }

    /** How many keys the last {@link #remove} or {@link #removeRange} took away. */
    public long removedCount() {
        return remover.removedCount();
    }

    /**
     * One step of a deletion in steps: removes about {@code maxEntries} of the lowest entries, or more where a shared
     * node goes as a whole. The root is not shared; one that is goes by {@link #delete} at once. Returns the new root.
     */
    public long reclaim(long root, int maxEntries) throws StorageException {
        return reclaim.step(root, maxEntries);
    }

    /** How many entries the last {@link #reclaim} took away. */
    public long reclaimedCount() {
        return reclaim.removedCount();
    }

    /** Drops one reference to a tree, and with the last one everything in it that has no other parent. */
    public void delete(long root) throws StorageException {
        delete(root, 0, maxKey, 0);
    }

    /** All entries from {@code fromKey} on, ascending. */
    public BTreeCursor cursor(long root, long fromKey) {
        BTreeCursor cursor = new BTreeCursor(this);
        cursor.seek(root, fromKey);
        return cursor;
    }

    /** The lowest key, or -1 if the tree is empty. */
    public long lowestKey(long root) throws StorageException {
        BTreeCursor cursor = cursor(root, 0);
        return cursor.next() ? cursor.key() : -1;
    }

    /** The highest key, or -1 if the tree is empty. */
    public long highestKey(long root) throws StorageException {
        MetadataBlock node = readRoot(root);
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            int entries = NodeLayout.entries(node);
            if (NodeLayout.isLeaf(node)) {
                return entries == 0 ? -1 : NodeLayout.key(node, entries - 1);
            }
            node = readChild(node, entries - 1, maxKey);
        }
        throw tooDeep(root);
    }

    /**
     * Blocks that changing so many keys takes at most: copies of the nodes on the ways and of their neighbours, and
     * halves of nodes that are full. For a tree that shares no inner nodes with another one, or none with counts above
     * 2.
     */
    public long changeCost(long root, long keys) throws StorageException {
        return cost(root, keys, true);
    }

    /** As {@link #changeCost}, for keys that are replaced or removed. */
    public long removalCost(long root, long keys) throws StorageException {
        return cost(root, keys, false);
    }

    private long cost(long root, long keys, boolean grows) throws StorageException {
        if (keys <= 0) {
            return 0;
        }
        MetadataBlock node = readRoot(root);
        int halfNode =
                Math.min(NodeLayout.maxEntriesFor(type.sizeBytes()), NodeLayout.maxEntriesFor(NodeLayout.CHILD_BYTES))
                        / 2;
        if (NodeLayout.isLeaf(node)) {
            boolean splits = grows && NodeLayout.entries(node) + keys > NodeLayout.maxEntries(node);
            return 1 + (splits ? 3 + 2 * keys / halfNode : 0);
        }
        // Two roots more, with two halves each.
        long cost = grows ? 4 : 0;
        long nodes = 1;
        long bound = maxKey;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            cost += Math.min(3 * keys, nodes) + (grows ? Math.min(keys, nodes) + keys / halfNode : 0);
            if (NodeLayout.isLeaf(node)) {
                return cost;
            }
            nodes = depth == 0 ? NodeLayout.entries(node) : Math.min(1L << 40, nodes * NodeLayout.maxEntries(node));
            bound = NodeLayout.lastKeyBelow(node, 0, bound);
            node = readChild(node, 0, bound);
        }
        throw tooDeep(root);
    }

    /** See {@link NestedBTree#isSmall}. */
    public boolean isSmall(long root, long maxEntries) throws StorageException {
        MetadataBlock node = readRoot(root);
        int children = NodeLayout.entries(node);
        if (NodeLayout.isLeaf(node)) {
            return children <= maxEntries;
        }
        long entries = 0;
        for (int i = 0; i < children && entries <= maxEntries; i++) {
            MetadataBlock parent = read(root);
            MetadataBlock child = readChild(parent, i, NodeLayout.lastKeyBelow(parent, i, maxKey));
            if (!NodeLayout.isLeaf(child)) {
                return false;
            }
            entries += NodeLayout.entries(child);
        }
        return entries <= maxEntries;
    }

    /** Whether there is a key in {@code [fromKey, toKeyExclusive)}. */
    boolean hasKeyIn(long root, long fromKey, long toKeyExclusive) throws StorageException {
        return remover.hasKeyIn(root, fromKey, toKeyExclusive);
    }

    /**
     * A node for reading whose shape and values are checked, but not its place in the tree: of one that was checked
     * there, or will be. See {@link TransactionManager#read} for how long it is good.
     */
    MetadataBlock read(long location) throws StorageException {
        return checked(tx.read(location, BlockValidator.BTREE_NODE));
    }

    /** The root for reading: with no keys, or none above those that such a tree can have. */
    MetadataBlock readRoot(long location) throws StorageException {
        MetadataBlock node = read(location);
        NodeLayout.checkBounds(node, 0, maxKey, true);
        return node;
    }

    /**
     * A child for reading, whose keys are those that its place in the parent stands for. So no node can be met twice on
     * different ways down, and a walk ends after as many steps as there are nodes, whatever the nodes say.
     *
     * @param bound {@link NodeLayout#lastKeyBelow} of the child
     */
    MetadataBlock readChild(MetadataBlock parent, int index, long bound) throws StorageException {
        return readBetween(NodeLayout.child(parent, index), NodeLayout.key(parent, index), bound);
    }

    /** A node below the root for reading, whose keys lie in {@code [low, bound]}. */
    MetadataBlock readBetween(long location, long low, long bound) throws StorageException {
        MetadataBlock node = read(location);
        NodeLayout.checkBounds(node, low, bound, false);
        return node;
    }

    /** The root for writing. */
    MetadataBlock shadowRoot(long location) throws StorageException {
        readRoot(location);
        return tx.shadow(location, BlockValidator.BTREE_NODE, children);
    }

    MetadataBlock newNode(int flags) throws StorageException {
        MetadataBlock node = tx.newBlock(BlockValidator.BTREE_NODE);
        NodeLayout.format(node, flags, flags == NodeLayout.LEAF ? type.sizeBytes() : NodeLayout.CHILD_BYTES);
        node.markCheckedBy(type);
        return node;
    }

    /**
     * Shadows a child and stores its new place in the parent, which is writable. For {@code bound} see
     * {@link #readChild}.
     */
    MetadataBlock shadowChild(MetadataBlock parent, int index, long bound) throws StorageException {
        MetadataBlock present = readChild(parent, index, bound);
        MetadataBlock child = tx.shadow(present.location(), BlockValidator.BTREE_NODE, children);
        NodeLayout.setChild(parent, index, child.location());
        return child;
    }

    /** Adds a reference to every child or value of a node that got one more parent. The node is writable. */
    void incrementChildren(MetadataBlock node) throws StorageException {
        int entries = NodeLayout.entries(node);
        boolean leaf = NodeLayout.isLeaf(node);
        for (int i = 0; i < entries; i++) {
            if (leaf) {
                NodeLayout.getValue(node, i, scratch);
                type.increment(scratch);
            } else {
                tx.increment(NodeLayout.child(node, i));
            }
        }
    }

    /** Drops the value's reference that entry {@code index} of a writable leaf holds. */
    void decrementValue(MetadataBlock leaf, int index) throws StorageException {
        NodeLayout.getValue(leaf, index, scratch);
        type.decrement(scratch);
    }

    /** Drops a reference to a node at that depth, the root having 0, whose keys lie in {@code [low, bound]}. */
    void delete(long location, long low, long bound, int depth) throws StorageException {
        if (depth >= MAX_DEPTH) {
            throw tooDeep(location);
        }
        if (tx.isShared(location)) {
            tx.decrement(location);
            return;
        }
        MetadataBlock node = depth == 0 ? readRoot(location) : readBetween(location, low, bound);
        boolean leaf = NodeLayout.isLeaf(node);
        int words = leaf ? valueWords : 1;
        // The block may be evicted while its children are deleted: copy what is needed of it first.
        long[] keys = new long[leaf ? 0 : NodeLayout.entries(node)];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = NodeLayout.key(node, i);
        }
        long[] values = new long[NodeLayout.entries(node) * words];
        for (int i = 0; i < values.length; i++) {
            values[i] = NodeLayout.word(node, i / words, i % words);
        }
        long[] value = new long[words];
        for (int i = 0; i < values.length; i += words) {
            if (leaf) {
                System.arraycopy(values, i, value, 0, words);
                type.decrement(value);
            } else {
                delete(values[i], keys[i], i + 1 < keys.length ? keys[i + 1] - 1 : bound, depth + 1);
            }
        }
        tx.decrement(location);
    }

    StorageException tooDeep(long root) {
        return new MetadataCorrupt("the B-tree at metadata block " + root + " is deeper than " + MAX_DEPTH + " nodes");
    }

    private MetadataBlock checked(MetadataBlock node) throws StorageException {
        if (!node.isCheckedBy(type)) {
            NodeLayout.check(node);
            if (NodeLayout.isLeaf(node)) {
                checkValues(node);
            }
            node.markCheckedBy(type);
        }
        return node;
    }

    private void checkValues(MetadataBlock leaf) throws StorageException {
        if (NodeLayout.valueBytes(leaf) != type.sizeBytes()) {
            throw NodeLayout.corrupt(
                    leaf, "has values of " + NodeLayout.valueBytes(leaf) + " bytes instead of " + type.sizeBytes());
        }
        int entries = NodeLayout.entries(leaf);
        for (int i = 0; i < entries; i++) {
            NodeLayout.getValue(leaf, i, scratch);
            type.check(scratch);
        }
    }
}

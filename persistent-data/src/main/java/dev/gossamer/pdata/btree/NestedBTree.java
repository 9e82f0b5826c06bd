package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.tx.TransactionManager;
import java.util.function.LongConsumer;

/**
 * A tree of trees: each upper key leads to a subtree with keys and values of its own. Pool mappings are one: device id,
 * then virtual block.
 *
 * <p>A change below shadows the upper path first. If the upper leaf is shared, with a metadata snapshot, its copy gives
 * each subtree one more parent; the subtree's root is then shared, too, and gets copied in its turn. The subtree's new
 * place is stored in the upper leaf without counting, because shadowing has done that.
 */
public final class NestedBTree {
    private final BTree upper;
    private final BTree lower;
    private final UpperPath path;
    private final RemovalLook removalLook;
    private final BTreeCursor upperProbe;
    private final long[] rootWord = new long[1];
    private long removedCount;
    private boolean createdKey;

    /**
     * @param maxUpperKey the highest key that the upper level can have
     * @param maxKey the highest key that a subtree can have
     */
    public NestedBTree(TransactionManager tx, ValueType leafType, long maxUpperKey, long maxKey) {
        lower = new BTree(tx, leafType, maxKey);
        upper = new BTree(tx, new SubtreeRoots(tx, lower), maxUpperKey);
        path = new UpperPath(upper);
        removalLook = new RemovalLook(lower);
        upperProbe = upper.cursor(BTree.NO_TREE, 0);
    }

    /** Makes an empty tree. */
    public long create() throws StorageException {
        return upper.create();
    }

    /** The code of the subtrees, for reading one by its root. A change through it is not stored in the upper level. */
    public BTree subtrees() {
        return lower;
    }

    /** For looking at the way to a key before it is inserted. */
    public WayDown wayDown() {
        return new WayDown(upper, lower, null);
    }

    /** As {@link #wayDown()}, which finds the nodes of high counts too. */
    public WayDown wayDown(HighNodes high) {
        return new WayDown(upper, lower, high);
    }

    /**
     * For looking at what a removal from a subtree, or of one, would copy and count.
     *
     * @param high told nodes whose counts would change and are above 2 before or afterwards
     */
    public RemovalWalk removalWalk(boolean ofUpperLevel, LongConsumer high) {
        return new RemovalWalk(ofUpperLevel ? upper : lower, high);
    }

    /** As {@link BTree#changeCost}, of the upper level. */
    public long upperCost(long root, long keys) throws StorageException {
        return upper.changeCost(root, keys);
    }

    /** Root of the subtree under a key, or {@link BTree#NO_TREE}. */
    public long subtreeRoot(long root, long upperKey) throws StorageException {
        return upper.lookup(root, upperKey, rootWord) ? rootWord[0] : BTree.NO_TREE;
    }

    /** Adds an empty subtree under a key that has none. Returns the new root. */
    public long createSubtree(long root, long upperKey) throws StorageException {
        checkAbsent(root, upperKey);
        return addSubtree(root, upperKey, lower.create());
    }

    /**
     * Adds a subtree under a key that has none: the snapshot step. Takes over one reference to {@code subtreeRoot},
     * which the caller has added before. Returns the new root.
     */
    public long addSubtree(long root, long upperKey, long subtreeRoot) throws StorageException {
        checkAbsent(root, upperKey);
        rootWord[0] = subtreeRoot;
        return upper.insert(root, upperKey, rootWord);
    }

    /**
     * Puts another subtree under a key that has one: the rollback step. Takes over one reference to {@code
     * subtreeRoot}, which the caller has added before, and drops the one to the old subtree; what nothing else refers
     * to is deleted. Returns the new root.
     */
    public long replaceSubtree(long root, long upperKey, long subtreeRoot) throws StorageException {
        existingRoot(root, upperKey);
        rootWord[0] = subtreeRoot;
        return upper.insert(root, upperKey, rootWord);
    }

    /**
     * Whether a subtree has at most so many entries, by what its nodes say: its root is a leaf, or leaves are below it
     * that hold no more. Reads a handful of nodes, whatever the size.
     */
    public boolean isSmall(long root, long upperKey, long maxEntries) throws StorageException {
        return lower.isSmall(existingRoot(root, upperKey), maxEntries);
    }

    /** Removes a key and drops its reference to the subtree; what nothing else refers to is deleted. */
    public long removeSubtree(long root, long upperKey) throws StorageException {
        return upper.remove(root, upperKey);
    }

    public boolean lookup(long root, long upperKey, long key, long[] value) throws StorageException {
        return upper.lookup(root, upperKey, rootWord) && lower.lookup(rootWord[0], key, value);
    }

    /** As {@link BTree#lookupForInsert}, in the subtree of a key that must have one. */
    public boolean lookupForInsert(long root, long upperKey, long key, long[] value) throws StorageException {
        return lower.lookupForInsert(existingRoot(root, upperKey), key, value);
    }

    /** As {@link BTree#insert}, in the subtree of a key that has one. Returns the new upper root. */
    public long insert(long root, long upperKey, long key, long[] value) throws StorageException {
        MetadataBlock leaf = path.shadow(root, upperKey);
        int index = path.leafIndex();
        long newRoot = path.newRoot();
        NodeLayout.setChild(leaf, index, lower.insert(NodeLayout.child(leaf, index), key, value));
        createdKey = lower.insertCreatedKey();
        return newRoot;
    }

    /** Whether the last {@link #insert} added a key, rather than replace its value. */
    public boolean insertCreatedKey() {
        return createdKey;
    }

    /** For replacing values in several subtrees at once, of the whole as it is now. */
    public SharedRewrite rewrite(long root) {
        return new SharedRewrite(upper, lower, root);
    }

    /** For looking at the values of all subtrees. */
    public ValueSearch search() {
        return new ValueSearch(lower);
    }

    /** Reads what a {@link #removeRange} may read, in the subtree of a key that must have one. */
    public void lookAtRemoval(long root, long upperKey, long fromKey, long toKeyExclusive) throws StorageException {
        removalLook.look(existingRoot(root, upperKey), fromKey, toKeyExclusive - 1, Integer.MAX_VALUE);
    }

    /**
     * As {@link BTree#removeRange}, in the subtree of a key that has one. Damage of what it reads there is met before
     * anything is changed. Returns the new upper root.
     */
    public long removeRange(long root, long upperKey, long fromKey, long toKeyExclusive) throws StorageException {
        removedCount = 0;
        long subtreeRoot = existingRoot(root, upperKey);
        if (!lower.hasKeyIn(subtreeRoot, fromKey, toKeyExclusive)) {
            return root;
        }
        removalLook.look(subtreeRoot, fromKey, toKeyExclusive - 1, Integer.MAX_VALUE);
        MetadataBlock leaf = path.shadow(root, upperKey);
        int index = path.leafIndex();
        long newRoot = path.newRoot();
        NodeLayout.setChild(leaf, index, lower.removeRange(NodeLayout.child(leaf, index), fromKey, toKeyExclusive));
        removedCount = lower.removedCount();
        return newRoot;
    }

    /** As {@link BTree#reclaim}, likewise. */
    public long reclaim(long root, long upperKey, int maxEntries) throws StorageException {
        removalLook.look(existingRoot(root, upperKey), 0, lower.maxKey, maxEntries);
        MetadataBlock leaf = path.shadow(root, upperKey);
        int index = path.leafIndex();
        long newRoot = path.newRoot();
        NodeLayout.setChild(leaf, index, lower.reclaim(NodeLayout.child(leaf, index), maxEntries));
        removedCount = lower.reclaimedCount();
        return newRoot;
    }

    /** Whether another root of the whole, or another upper key, leads to the subtree of a key that has one. */
    public boolean isSubtreeShared(long root, long upperKey) throws StorageException {
        return isUpperPathShared(root, upperKey) || lower.tx.isShared(existingRoot(root, upperKey));
    }

    /** Root of the subtree under a key that must have one; its node is there and can be one. */
    public long existingRoot(long root, long upperKey) throws StorageException {
        long subtreeRoot = subtreeRoot(root, upperKey);
        if (subtreeRoot == BTree.NO_TREE) {
            throw new MetadataCorrupt("there is no subtree for key " + upperKey + ", which must have one");
        }
        lower.readRoot(subtreeRoot);
        return subtreeRoot;
    }

    /** How many keys the last {@link #removeRange} or {@link #reclaim} took away. */
    public long removedCount() {
        return removedCount;
    }

    /** A cursor at the end of nothing, to be placed by {@link #seek}. */
    public BTreeCursor cursor() {
        return lower.cursor(BTree.NO_TREE, 0);
    }

    /** The entries of one subtree, or of none if the key has none. */
    public BTreeCursor cursor(long root, long upperKey, long fromKey) throws StorageException {
        return lower.cursor(subtreeRoot(root, upperKey), fromKey);
    }

    /**
     * Places a cursor that came from {@link #cursor()} anew, on any key's entries: whoever asks for single entries
     * often keeps one, and with it the room for a leaf, in place of some KiB of garbage for each.
     */
    public void seek(BTreeCursor cursor, long root, long upperKey, long fromKey) throws StorageException {
        cursor.seek(subtreeRoot(root, upperKey), fromKey);
    }

    /**
     * Finds what {@link #cursor(long, long, long)} would wait for, up to a key. An upper level that is not cached comes
     * first.
     */
    public void findMissing(MissingNodes missing, long root, long upperKey, long fromKey, long toKeyExclusive)
            throws StorageException {
        missing.begin();
        missing.collect(upper, root, upperKey, upperKey + 1);
        if (missing.isEmpty()) {
            long subtree = subtreeRoot(root, upperKey);
            if (subtree != BTree.NO_TREE) {
                missing.collect(lower, subtree, fromKey, toKeyExclusive);
            }
        }
    }

    /** Whether another root of the whole, a metadata snapshot's, leads to the subtree of a key that has one. */
    public boolean isUpperPathShared(long root, long upperKey) throws StorageException {
        upperProbe.seek(root, upperKey);
        return upperProbe.next() && upperProbe.isPathShared();
    }

    /** The upper level: keys, and subtree roots as word 0. */
    public BTreeCursor upperCursor(long root, long fromUpperKey) {
        return upper.cursor(root, fromUpperKey);
    }

    private void checkAbsent(long root, long upperKey) throws StorageException {
        if (subtreeRoot(root, upperKey) != BTree.NO_TREE) {
            throw new MetadataCorrupt("there is a subtree for key " + upperKey + " already, which must not have one");
        }
    }

    /** Drops one reference to the whole tree of trees; what nothing else refers to is deleted. */
    public void delete(long root) throws StorageException {
        upper.delete(root);
    }

    /** Leaves of the upper level hold one reference to each subtree's root. */
    private record SubtreeRoots(TransactionManager tx, BTree lower) implements ValueType {
        @Override
        public int sizeBytes() {
            return Long.BYTES;
        }

        @Override
        public void check(long[] value) throws StorageException {
            if (value[0] <= 0 || value[0] >= tx.blocks().deviceBlocks()) {
                throw new MetadataCorrupt("a subtree is said to be at metadata block " + Long.toUnsignedString(value[0])
                        + " of " + tx.blocks().deviceBlocks());
            }
        }

        @Override
        public void increment(long[] value) throws StorageException {
            tx.increment(value[0]);
        }

        @Override
        public void decrement(long[] value) throws StorageException {
            lower.delete(value[0]);
        }
    }
}

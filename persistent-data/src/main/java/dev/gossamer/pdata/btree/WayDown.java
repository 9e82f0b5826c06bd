package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * What lies on the way to a key of a tree of trees, looked at before anything is changed: from it follows how many
 * blocks an insertion there takes at most.
 *
 * <p>Nodes that are read here are those that the insertion reads, so little is added to it. Worker's thread.
 */
public final class WayDown {
    private final BTree upper;
    private final BTree lower;
    private final long[] word = new long[1];
    private int upperNodes;
    private int lowerNodes;
    private int splits;
    private int copies;
    private int upperCopies;
    private boolean shared;
    private boolean upperShared;
    private long upperChildren;
    private boolean mapped;
    private long children;
    private long leaf;
    private long values;
    // Null: not asked for, for they cost a look at the count of each child.
    private final HighNodes high;

    WayDown(BTree upper, BTree lower, HighNodes high) {
        this.upper = upper;
        this.lower = lower;
        this.high = high;
    }

    /** Looks at the way from the root of all to a key, which may be missing; so may the subtree. */
    public void look(long root, long upperKey, long key) throws StorageException {
        splits = 0;
        shared = false;
        children = 0;
        values = 0;
        lowerNodes = 0;
        copies = 0;
        if (high != null) {
            high.clear();
        }
        upperNodes = walk(upper, root, upperKey, false);
        upperShared = shared;
        upperCopies = copies;
        upperChildren = children;
        if (high != null) {
            high.endUpperLevel();
        }
        boolean exists = mapped;
        mapped = false;
        if (exists) {
            lowerNodes = walk(lower, word[0], key, true);
        }
    }

    /** Nodes of the upper level. */
    public int upperNodes() {
        return upperNodes;
    }

    /** Nodes of the subtree. */
    public int lowerNodes() {
        return lowerNodes;
    }

    /** Nodes of both levels that would be copied: all but those that the transaction has copied already. */
    public int copies() {
        return copies;
    }

    /** As {@link #copies}, of the upper level alone. */
    public int upperCopies() {
        return upperCopies;
    }

    /** Nodes that an insertion adds to the subtree, since those on the way are full. */
    public int splits() {
        return splits;
    }

    /** Whether another root, or another upper key, leads to a node on the way: all below it get copied. */
    public boolean isShared() {
        return shared;
    }

    /** As {@link #isShared}, of the upper level's nodes alone. */
    public boolean isUpperShared() {
        return upperShared;
    }

    /** As {@link #children}, of the upper level's nodes alone. */
    public long upperChildren() {
        return upperChildren;
    }

    /** Whether the key is there. */
    public boolean isMapped() {
        return mapped;
    }

    /** First words of the values in the leaf where the way ends; none if there is no such subtree. */
    public long[] leafWords() throws StorageException {
        if (lowerNodes == 0) {
            return new long[0];
        }
        MetadataBlock node = lower.read(leaf);
        long[] words = new long[NodeLayout.entries(node)];
        for (int i = 0; i < words.length; i++) {
            words[i] = NodeLayout.word(node, i, 0);
        }
        return words;
    }

    /** The value of the key that {@link #isMapped}. */
    public long mappedWord() {
        return word[0];
    }

    /** Nodes that get one more parent when shared nodes on the way are copied. */
    public long children() {
        return children;
    }

    /** Values that get one more reference when a shared leaf is copied. */
    public long values() {
        return values;
    }

    private int walk(BTree tree, long root, long key, boolean counted) throws StorageException {
        tree.readRoot(root);
        long location = root;
        long bound = tree.maxKey;
        for (int depth = 1; depth <= BTree.MAX_DEPTH; depth++) {
            shared |= tree.tx.isShared(location);
            MetadataBlock node = tree.read(location);
            int entries = NodeLayout.entries(node);
            int index = NodeLayout.indexOf(node, key);
            boolean isLeaf = NodeLayout.isLeaf(node);
            if (shared && isLeaf && counted) {
                values += entries;
            } else if (shared) {
                children += entries;
            }
            if (shared && high != null) {
                high.copied(tree, location, !isLeaf || !counted);
                node = tree.read(location);
            }
            if (counted && NodeLayout.isFull(node)) {
                // The root makes room by two halves below it.
                splits += depth == 1 ? 2 : 1;
            }
            copies += shared || tree.tx.isCommittedBlock(location) ? 1 : 0;
            if (isLeaf) {
                leaf = location;
                mapped = index >= 0 && NodeLayout.key(node, index) == key;
                if (mapped) {
                    NodeLayout.getValue(node, index, word);
                }
                return depth;
            }
            index = Math.max(0, index);
            bound = NodeLayout.lastKeyBelow(node, index, bound);
            location = tree.readChild(node, index, bound).location();
        }
        throw tree.tooDeep(root);
    }
}

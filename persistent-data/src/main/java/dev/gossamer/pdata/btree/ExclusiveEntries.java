package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;

/**
 * Goes through those entries of a tree that no other root leads to: a subtree with more than one parent is passed
 * without looking into it. So the cost is that of what the tree has for itself, however much it shares.
 *
 * <p>Holds no block; void after a change of the tree, and then to be started again at the key it had come to.
 */
public final class ExclusiveEntries {
    private final BTree tree;
    private final TreeWalker walker;
    private boolean beforeFirst;

    public ExclusiveEntries(BTree tree) {
        this.tree = tree;
        this.walker = new TreeWalker(tree);
    }

    /** Starts with entries whose keys are at least {@code fromKey}, of a tree or of {@link BTree#NO_TREE}. */
    public void start(long root, long fromKey) throws StorageException {
        // Keys are virtual blocks: none has the highest bit, and the end of a range is exclusive.
        walker.start(root, fromKey, Long.MAX_VALUE);
        beforeFirst = true;
    }

    /** Goes to the next entry. False behind the last. */
    public boolean next() throws StorageException {
        if (!beforeFirst && walker.isEntry()) {
            walker.advance();
        }
        beforeFirst = false;
        while (!walker.isAtEnd() && !walker.isEntry()) {
            if (tree.tx.isShared(walker.location())) {
                walker.advance();
            } else {
                walker.descend();
            }
        }
        return walker.isEntry();
    }

    public long key() {
        return walker.low();
    }

    /** The first word of the entry's value. */
    public long value() throws StorageException {
        return walker.value()[0];
    }

    /** Nodes looked into since the start. */
    public int nodesRead() {
        return walker.nodesRead();
    }
}

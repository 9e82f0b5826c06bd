package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * Takes apart a tree that nobody will look into any more, in steps that are small whatever the tree's size. Between
 * steps it is a tree like any other, with all nodes as full as they must be, so that any commit in between is sound.
 *
 * <p>A step looks at the lowest node that has leaves below it:
 *
 * <ul>
 *   <li>It is this tree's own: some of the lowest entries are removed, as {@link TreeRemove} does it. Shared leaves
 *       among them cost one decrement each.
 *   <li>It is shared with another tree, itself or through a node above it: it goes as a whole, by one decrement.
 *       Entering it would copy it first, only to throw the copy away. Its leaves are read, for the count of entries
 *       that are gone.
 * </ul>
 *
 * <p>Higher shared nodes are entered, and so copied: there is one for each 250 of the nodes meant above, and dropping
 * one whole would mean to count some million entries in one step.
 */
final class TreeReclaim {
    private final BTree tree;
    private final TreeRemove remover;
    private final BTreeCursor cursor;
    private long removedCount;

    // Of the lowest node with leaves below it, as found on the way down.
    private boolean lowestIsShared;
    private boolean bounded;
    private long boundKey;

    TreeReclaim(BTree tree, TreeRemove remover) {
        this.tree = tree;
        this.remover = remover;
        cursor = new BTreeCursor(tree);
    }

    /** Entries that the last step took away; 0 if there were none left. */
    long removedCount() {
        return removedCount;
    }

    /**
     * Removes up to {@code maxEntries} of the lowest entries, or one shared node with all below it. Returns the new
     * root.
     */
    long step(long root, int maxEntries) throws StorageException {
        removedCount = 0;
        long newRoot = root;
        findLowest(newRoot);
        if (lowestIsShared) {
            newRoot = dropLowest(newRoot);
            if (removedCount > 0) {
                return newRoot;
            }
            findLowest(newRoot);
        }
        cursor.seek(newRoot, 0);
        if (!cursor.next()) {
            return newRoot;
        }
        long first = cursor.key();
        long last = first;
        for (int n = 1; n < maxEntries && cursor.next() && isWithinBound(cursor.key()); n++) {
            last = cursor.key();
        }
        newRoot = remover.removeRange(newRoot, first, last + 1);
        removedCount = remover.removedCount();
        return newRoot;
    }

    private boolean isWithinBound(long key) {
        return !bounded || Long.compareUnsigned(key, boundKey) < 0;
    }

    // Walks down the left edge without changing anything.
    private void findLowest(long root) throws StorageException {
        lowestIsShared = false;
        bounded = false;
        MetadataBlock node = tree.readRoot(root);
        long bound = tree.maxKey;
        for (int depth = 0; depth < BTree.MAX_DEPTH; depth++) {
            if (NodeLayout.isLeaf(node)) {
                return;
            }
            long location = node.location();
            boolean hasNeighbour = NodeLayout.entries(node) > 1;
            long neighbourKey = hasNeighbour ? NodeLayout.key(node, 1) : 0;
            boolean isRoot = location == root;
            bound = NodeLayout.lastKeyBelow(node, 0, bound);
            MetadataBlock child = tree.readChild(node, 0, bound);
            long childLocation = child.location();
            if (NodeLayout.isLeaf(child)) {
                lowestIsShared = !isRoot && (lowestIsShared || tree.tx.isShared(location));
                return;
            }
            if (hasNeighbour) {
                bounded = true;
                boundKey = neighbourKey;
            }
            lowestIsShared |= !isRoot && tree.tx.isShared(location);
            node = tree.read(childLocation);
        }
        throw tree.tooDeep(root);
    }

    private long dropLowest(long root) throws StorageException {
        MetadataBlock node = tree.shadowRoot(root);
        final long newRoot = node.location();
        long nodeBound = tree.maxKey;
        for (int steps = 0; steps < 2 * BTree.MAX_DEPTH; steps++) {
            long location = NodeLayout.child(node, 0);
            long bound = NodeLayout.lastKeyBelow(node, 0, nodeBound);
            MetadataBlock child = tree.readChild(node, 0, bound);
            if (NodeLayout.isLeaf(child)) {
                // The root has taken the place of its only child: what was to be dropped is the root itself now.
                return newRoot;
            }
            if (NodeLayout.entries(node) == 1) {
                remover.pullUp(node, nodeBound);
                continue;
            }
            if (NodeLayout.isLeaf(tree.readChild(child, 0, NodeLayout.lastKeyBelow(child, 0, bound)))) {
                long low = NodeLayout.key(node, 0);
                removedCount = Math.max(1, entriesBelow(location, bound));
                // The nodes above were copied if they were shared, which made this one shared, if it was not before.
                tree.delete(location, low, bound, 1);
                NodeLayout.removeEntries(node, 0, 1);
                return remover.collapse(newRoot);
            }
            if (NodeLayout.entries(tree.read(location)) <= NodeLayout.minEntries(tree.read(location))) {
                remover.rebalance(node, 0, nodeBound);
                if (NodeLayout.entries(node) == 1) {
                    continue;
                }
            }
            nodeBound = NodeLayout.lastKeyBelow(node, 0, nodeBound);
            node = tree.shadowChild(node, 0, nodeBound);
        }
        throw tree.tooDeep(root);
    }

    private long entriesBelow(long parent, long bound) throws StorageException {
        long entries = 0;
        int leaves = NodeLayout.entries(tree.read(parent));
        for (int i = 0; i < leaves; i++) {
            MetadataBlock node = tree.read(parent);
            try {
                entries += NodeLayout.entries(tree.readChild(node, i, NodeLayout.lastKeyBelow(node, i, bound)));
            } catch (MetadataCorrupt e) {
                // It is another tree's as well, whose damage it is; here it is only let go of.
            }
        }
        return entries;
    }
}

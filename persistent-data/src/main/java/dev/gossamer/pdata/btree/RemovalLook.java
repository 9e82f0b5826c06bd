package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * Reads what a removal may read, before it changes anything: neighbours take part in it whose entries are not removed.
 * So damage there is met while there is nothing to undo, and is the matter of this tree alone. Most small removals need
 * no neighbour: then it reads none. Worker's thread.
 */
final class RemovalLook {
    private final BTree tree;
    private final RemovalWalk walk;

    private final RemovalWalk.Values nothing = new RemovalWalk.Values() {
        @Override
        public void raised(long word) {}

        @Override
        public void lowered(long word) {}
    };

    RemovalLook(BTree tree) {
        this.tree = tree;
        this.walk = new RemovalWalk(tree, node -> {});
    }

    /**
     * Looks at what removing the first {@code maxEntries} entries from {@code fromKey} up to {@code lastKey} may read.
     *
     * @throws dev.gossamer.pdata.MetadataCorrupt if some of it is damaged
     */
    void look(long root, long fromKey, long lastKey, long maxEntries) throws StorageException {
        if (!staysInOneLeaf(root, fromKey, lastKey)) {
            walk.look(root, fromKey, lastKey, maxEntries, false, nothing);
        }
    }

    /** Whether all of the range is in one leaf that keeps as many entries as it must have, as all above it do. */
    private boolean staysInOneLeaf(long root, long fromKey, long lastKey) throws StorageException {
        MetadataBlock node = tree.readRoot(root);
        long bound = tree.maxKey;
        for (int depth = 0; depth < BTree.MAX_DEPTH && !NodeLayout.isLeaf(node); depth++) {
            int index = Math.max(0, NodeLayout.indexOf(node, fromKey));
            bound = NodeLayout.lastKeyBelow(node, index, bound);
            node = tree.readChild(node, index, bound);
            if (Long.compareUnsigned(lastKey, bound) > 0 || NodeLayout.entries(node) <= NodeLayout.minEntries(node)) {
                return false;
            }
        }
        int removed = NodeLayout.indexOf(node, lastKey)
                - NodeLayout.indexOf(node, fromKey)
                + (NodeLayout.contains(node, fromKey) ? 1 : 0);
        return node.location() == root || NodeLayout.entries(node) - removed >= NodeLayout.minEntries(node);
    }
}

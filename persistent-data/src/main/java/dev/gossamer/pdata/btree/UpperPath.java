package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/** Makes the path to an existing key writable, so that its value can be replaced without counting. */
final class UpperPath {
    private final BTree tree;
    private long newRoot;
    private int leafIndex;

    UpperPath(BTree tree) {
        this.tree = tree;
    }

    /** Shadows from the root down to the leaf that holds the key, and returns that leaf. */
    MetadataBlock shadow(long root, long key) throws StorageException {
        MetadataBlock node = tree.shadowRoot(root);
        newRoot = node.location();
        long bound = tree.maxKey;
        for (int depth = 0; depth < BTree.MAX_DEPTH; depth++) {
            int index = NodeLayout.indexOf(node, key);
            if (index < 0 || (NodeLayout.isLeaf(node) && NodeLayout.key(node, index) != key)) {
                throw NodeLayout.corrupt(node, "has no entry for key " + key + ", which must be there");
            }
            if (NodeLayout.isLeaf(node)) {
                leafIndex = index;
                return node;
            }
            bound = NodeLayout.lastKeyBelow(node, index, bound);
            node = tree.shadowChild(node, index, bound);
        }
        throw tree.tooDeep(root);
    }

    long newRoot() {
        return newRoot;
    }

    /** Where the key is in the leaf. */
    int leafIndex() {
        return leafIndex;
    }
}

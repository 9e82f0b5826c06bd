package dev.gossamer.pdata.btree;

import dev.gossamer.io.Invariant;
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
        MetadataBlock node = tree.shadow(root);
        newRoot = node.location();
        for (int depth = 0; depth < BTree.MAX_DEPTH; depth++) {
            int index = NodeLayout.indexOf(node, key);
            Invariant.check(index >= 0, "the upper key has no subtree");
            if (NodeLayout.isLeaf(node)) {
                Invariant.check(NodeLayout.key(node, index) == key, "the upper key has no subtree");
                leafIndex = index;
                return node;
            }
            node = tree.shadowChild(node, index);
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

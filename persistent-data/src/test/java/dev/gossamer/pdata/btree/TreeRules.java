package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/** The rules that every stored tree obeys (on-disk format, section 4), looked at from inside. */
final class TreeRules {
    private final BTree tree;

    TreeRules(BTree tree) {
        this.tree = tree;
    }

    /** Fails on a broken rule; returns the number of levels. */
    int check(long root) throws StorageException {
        return check(root, true, 0, -1);
    }

    private int check(long location, boolean isRoot, long lowest, long highest) throws StorageException {
        MetadataBlock node = tree.read(location);
        int entries = NodeLayout.entries(node);
        boolean leaf = NodeLayout.isLeaf(node);
        String at = "node " + location;
        assertEquals(NodeLayout.maxEntriesFor(leaf ? tree.type.sizeBytes() : 8), NodeLayout.maxEntries(node), at);
        if (!isRoot) {
            assertTrue(entries >= NodeLayout.minEntries(node), at + " has only " + entries + " entries");
        } else if (!leaf) {
            assertTrue(entries >= 2, at + ", the root, has one child");
        }
        long[] keys = new long[entries];
        long[] children = new long[entries];
        for (int i = 0; i < entries; i++) {
            keys[i] = NodeLayout.key(node, i);
            children[i] = leaf ? 0 : NodeLayout.child(node, i);
            assertTrue(Long.compareUnsigned(keys[i], lowest) >= 0, at + " has a key below its parent's");
            assertTrue(Long.compareUnsigned(keys[i], highest) <= 0, at + " has a key of its right neighbour");
        }
        int levels = -1;
        for (int i = 0; i < entries && !leaf; i++) {
            int below = check(children[i], false, keys[i], i + 1 < entries ? keys[i + 1] - 1 : highest);
            assertTrue(levels < 0 || levels == below, at + " has leaves at different depths");
            levels = below;
        }
        return leaf ? 1 : levels + 1;
    }
}

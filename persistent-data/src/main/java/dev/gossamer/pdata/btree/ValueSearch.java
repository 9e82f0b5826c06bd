package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;
import java.util.BitSet;

/**
 * Looks at the values of many trees, at each node once, in steps between which the trees may change. What was read is
 * of the moment of its step; a node that came to lie where another one had been looked at may be missed. So what is
 * found is to be looked at again, and what is missed to be noticed by counts.
 *
 * <p>Memory: a bit for each block of the metadata, at most 512 KiB.
 */
public final class ValueSearch {
    /** Told of values; stops the step by answering false. */
    public interface Found {
        boolean value(long key, long firstWord);
    }

    /** Of {@link #step}: the tree has no more. */
    public static final long END = -1;

    private final BTree tree;
    private final BitSet seen = new BitSet();
    private Found found;
    private int nodesLeft;
    private boolean anyLeaf;

    ValueSearch(BTree tree) {
        this.tree = tree;
    }

    /** Begins anew: no node has been looked at. */
    public void restart() {
        seen.clear();
    }

    /**
     * Looks at the values of a tree from a key on, in nodes that were not looked at before.
     *
     * @param maxNodes nodes to read, about; one leaf at least is looked at
     * @return the key to go on with, or {@link #END}
     */
    public long step(long root, long fromKey, int maxNodes, Found told) throws StorageException {
        if (root == BTree.NO_TREE || (fromKey == 0 && seen.get(Math.toIntExact(root)))) {
            return END;
        }
        found = told;
        nodesLeft = maxNodes;
        anyLeaf = false;
        return visit(tree.readRoot(root), fromKey, tree.maxKey, 0);
    }

    /** Goes through a node of keys up to {@code bound}. Its object is void once another is read. */
    private long visit(MetadataBlock node, long fromKey, long bound, int depth) throws StorageException {
        if (depth >= BTree.MAX_DEPTH) {
            throw tree.tooDeep(node.location());
        }
        nodesLeft--;
        long location = node.location();
        if (NodeLayout.isLeaf(node)) {
            return visitLeaf(node, fromKey);
        }
        int first = Math.max(0, NodeLayout.indexOf(node, fromKey));
        int entries = NodeLayout.entries(node);
        for (int i = first; i < entries; i++) {
            MetadataBlock parent = tree.read(location);
            long childKey = NodeLayout.key(parent, i);
            long childBound = NodeLayout.lastKeyBelow(parent, i, bound);
            if (seen.get(Math.toIntExact(NodeLayout.child(parent, i)))) {
                continue;
            }
            if (nodesLeft <= 0 && anyLeaf) {
                return Math.max(fromKey, childKey);
            }
            long next =
                    visit(tree.readChild(parent, i, childBound), Math.max(fromKey, childKey), childBound, depth + 1);
            if (next != END) {
                return next;
            }
        }
        if (first == 0) {
            seen.set(Math.toIntExact(location));
        }
        return END;
    }

    private long visitLeaf(MetadataBlock leaf, long fromKey) {
        anyLeaf = true;
        int entries = NodeLayout.entries(leaf);
        for (int i = 0; i < entries; i++) {
            long key = NodeLayout.key(leaf, i);
            if (key >= fromKey && !found.value(key, NodeLayout.word(leaf, i, 0))) {
                return key;
            }
        }
        seen.set(Math.toIntExact(leaf.location()));
        return END;
    }
}

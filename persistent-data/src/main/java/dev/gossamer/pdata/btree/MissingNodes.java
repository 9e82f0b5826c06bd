package dev.gossamer.pdata.btree;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.block.ReadAhead;
import java.util.Arrays;

/**
 * The nodes that a walk through a range of keys would wait for next: those that are not in the cache while their
 * parents are. Looking for them reads nothing. Once they have been fetched there may be others below them, so one looks
 * again until there are none, at most once for each level. Reused by its owner; the block manager's thread.
 */
public final class MissingNodes {
    /**
     * More than one level of a range of 512 keys has: leaves hold 84 of 8 bytes at least. Of wider ranges, the first.
     */
    static final int MAX_NODES = 16;

    private final long[] locations = new long[MAX_NODES];
    private int count;
    private BlockManager blocks;

    void begin() {
        count = 0;
    }

    /** Adds those of the nodes that {@link BTreeCursor} reads for keys {@code [fromKey, toKeyExclusive)}. */
    void collect(BTree tree, long root, long fromKey, long toKeyExclusive) throws StorageException {
        blocks = tree.tx.blocks();
        if (isPresent(root)) {
            collect(tree, tree.readRoot(root), fromKey, toKeyExclusive, tree.maxKey, 0);
        }
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /** Reads them into the cache, all at once; see {@link ReadAhead#fetch}. */
    public void fetch(IoLoop loop, ReadAhead.Arrival arrival) {
        blocks.readAhead().fetch(loop, Arrays.copyOf(locations, count), BlockValidator.BTREE_NODE, arrival);
    }

    /** Whether what is fetched now would wait in line. After something was collected. */
    public boolean isFetchBusy() {
        return blocks.readAhead().isBusy();
    }

    // Everything looked into is in the cache and nothing is read, so no block is evicted on the way.
    private void collect(BTree tree, MetadataBlock node, long fromKey, long toKeyExclusive, long nodeBound, int depth)
            throws StorageException {
        if (depth >= BTree.MAX_DEPTH) {
            throw tree.tooDeep(node.location());
        }
        if (NodeLayout.isLeaf(node)) {
            return;
        }
        int first = Math.max(0, NodeLayout.indexOf(node, fromKey));
        for (int i = first; i < NodeLayout.entries(node) && count < MAX_NODES; i++) {
            if (i > first && Long.compareUnsigned(NodeLayout.key(node, i), toKeyExclusive) >= 0) {
                return;
            }
            if (isPresent(NodeLayout.child(node, i))) {
                long bound = NodeLayout.lastKeyBelow(node, i, nodeBound);
                collect(tree, tree.readChild(node, i, bound), fromKey, toKeyExclusive, bound, depth + 1);
            }
        }
    }

    /** Whether a node is in the cache; if not, it is one of the missing. */
    private boolean isPresent(long location) {
        if (!blocks.isCached(location)) {
            if (count < MAX_NODES) {
                locations[count++] = location;
            }
            return false;
        }
        return true;
    }
}

package dev.gossamer.thin.metadata;

import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockSet;
import dev.gossamer.pdata.scan.NodeView;
import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes through the mapping trees of volumes, level by level, each node once whoever shares it. What cannot be read, or
 * is no node, is passed over: whoever looks at its parent finds out why.
 */
final class VolumeTrees implements BlockFeed.Visitor {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeTrees.class);

    /** Of a tree; deeper ones are damaged. */
    static final int MAX_DEPTH = 24;

    /** Told of nodes. */
    interface Told {
        /**
         * Gets a node.
         *
         * @param values children, or packed {@link Mapping}s
         */
        void node(long location, boolean isLeaf, long[] values);
    }

    private final NodeView node = new NodeView();
    private final BlockSet seen;
    private final Told told;
    private BlockSet next;

    private VolumeTrees(BlockFeed feed, Told told) {
        this.seen = new BlockSet(feed.blocks());
        this.next = new BlockSet(feed.blocks());
        this.told = told;
    }

    /** Walks volumes' trees from their roots; {@link BTree#NO_TREE} stands for one that has none. */
    static void walk(BlockFeed feed, long[] roots, Told told) {
        VolumeTrees trees = new VolumeTrees(feed, told);
        for (long root : roots) {
            if (root != BTree.NO_TREE) {
                trees.wantOnce(root);
            }
        }
        for (int depth = 0; depth < MAX_DEPTH && trees.next.size() > 0; depth++) {
            BlockSet layer = trees.next;
            trees.next = new BlockSet(feed.blocks());
            feed.feed(layer, trees);
        }
    }

    private void wantOnce(long location) {
        if (seen.add(location)) {
            next.add(location);
        }
    }

    @Override
    public void block(long location, ByteBuffer bytes, int offset) {
        if (node.load(bytes, offset, location) != null) {
            return;
        }
        long[] values = new long[node.entries()];
        for (int i = 0; i < values.length; i++) {
            values[i] = node.value(i);
        }
        for (int i = 0; i < values.length && !node.isLeaf(); i++) {
            wantOnce(values[i]);
        }
        told.node(location, node.isLeaf(), values);
    }

    @Override
    public void unreadable(long location, String reason) {
        LOG.debug("metadata block {}: {}", location, reason);
    }
}

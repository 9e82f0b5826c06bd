package dev.gossamer.thin.offline;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockSet;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.PackedCounts;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * How many data blocks each of several devices has for itself: on no path that another device has too, and mapped once
 * (OT-14). Nodes are read once, but internal ones again if they turn out to be shared, and the leaves a second time
 * when all mappings have been counted; always by ascending location.
 *
 * <p>Memory: 4 bytes for each block of the metadata device, a quarter of a byte for each data block.
 */
public final class ExclusiveBlocks {
    private static final int SHARED = -1;

    private final BlockFeed feed;
    private final NodeView node = new NodeView();
    /** Device that a node belongs to, its place in the list from 1 on; 0: nobody's so far. */
    private final int[] owners;

    private final BlockSet internal;
    private final BlockSet leaves;
    private final PackedCounts counts;
    private final long[] exclusive;
    private BlockSet next;
    private MetadataCorrupt damage;

    private ExclusiveBlocks(BlockFeed feed, long dataBlocks, int devices) {
        this.feed = feed;
        owners = new int[Math.toIntExact(feed.blocks())];
        internal = new BlockSet(feed.blocks());
        leaves = new BlockSet(feed.blocks());
        counts = new PackedCounts(dataBlocks);
        exclusive = new long[devices];
    }

    /**
     * Counts.
     *
     * @param dataBlocks of the pool, as far as its metadata device can count them
     * @param roots of the devices' mapping trees
     * @return a number for each
     * @throws MetadataCorrupt at the first damage
     */
    public static long[] count(BlockFeed feed, long dataBlocks, List<Long> roots) throws IOException {
        ExclusiveBlocks count = new ExclusiveBlocks(feed, dataBlocks, roots.size());
        count.findOwners(roots);
        count.feed(count.leaves, count::countLeaf);
        return count.exclusive;
    }

    private void findOwners(List<Long> roots) throws MetadataCorrupt {
        next = new BlockSet(feed.blocks());
        for (int i = 0; i < roots.size(); i++) {
            claim(roots.get(i), i + 1);
        }
        while (next.size() > 0) {
            BlockSet layer = next;
            next = new BlockSet(feed.blocks());
            feed(layer, this::visit);
        }
    }

    private interface Visit {
        void node(long location);
    }

    private void feed(BlockSet wanted, Visit visit) throws MetadataCorrupt {
        feed.feed(wanted, new BlockFeed.Visitor() {
            @Override
            public void block(long location, ByteBuffer bytes, int offset) {
                String fault = node.load(bytes, offset, location);
                fault = fault == null ? node.shapeFault(TreeKind.MAPPINGS.leafValueBytes()) : fault;
                if (fault == null) {
                    visit.node(location);
                } else {
                    damaged(fault);
                }
            }

            @Override
            public void unreadable(long location, String reason) {
                damaged(reason);
            }
        });
        if (damage != null) {
            throw damage;
        }
    }

    private void damaged(String what) {
        damage = damage == null ? new MetadataCorrupt(what) : damage;
    }

    private void visit(long location) {
        if (node.isLeaf()) {
            leaves.add(location);
            for (int i = 0; i < node.entries(); i++) {
                counts.increment(Mapping.dataBlock(node.value(i)));
            }
            return;
        }
        internal.add(location);
        for (int i = 0; i < node.entries(); i++) {
            claim(node.value(i), owners[(int) location]);
        }
    }

    /** A node that is reached a second time is shared, and so is everything below, which may have been visited. */
    private void claim(long location, int owner) {
        if (location <= 0 || location >= feed.blocks()) {
            damaged("metadata block " + Long.toUnsignedString(location)
                    + " (B-tree node) cannot be: the metadata device has " + feed.blocks());
            return;
        }
        int before = owners[(int) location];
        if (before == 0) {
            owners[(int) location] = owner;
            next.add(location);
        } else if (before != SHARED) {
            owners[(int) location] = SHARED;
            if (internal.contains(location)) {
                next.add(location);
            }
        }
    }

    private void countLeaf(long location) {
        int owner = owners[(int) location];
        for (int i = 0; owner != SHARED && i < node.entries(); i++) {
            if (counts.count(Mapping.dataBlock(node.value(i))) == 1) {
                exclusive[owner - 1]++;
            }
        }
    }
}

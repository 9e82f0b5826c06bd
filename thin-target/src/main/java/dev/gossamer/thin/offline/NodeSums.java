package dev.gossamer.thin.offline;

import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.NodeView;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * How many mappings there are below nodes. Each node is read once, however many trees have it: the states of a pool
 * that a device still holds share nearly everything.
 *
 * <p>Memory: a long for each block.
 */
final class NodeSums {
    private static final int MAX_DEPTH = 24;
    private static final int WORD_BYTES = 8;
    private static final long UNKNOWN = -1;
    /** On the way down: a tree that leads back to itself ends there. */
    private static final long OPEN = 0;

    private final BlockFeed feed;
    private final long[] sums;
    private final NodeView node = new NodeView();

    NodeSums(BlockFeed feed) {
        this.feed = feed;
        sums = new long[Math.toIntExact(feed.blocks())];
        Arrays.fill(sums, UNKNOWN);
    }

    /** Mappings that can be read below a node. */
    long entries(long root) {
        return entries(root, 0);
    }

    private long entries(long location, int depth) {
        if (location <= 0 || location >= sums.length || depth > MAX_DEPTH) {
            return 0;
        }
        int at = (int) location;
        if (sums[at] == UNKNOWN) {
            sums[at] = OPEN;
            long sum = 0;
            long[] children = read(location);
            for (int i = 1; i < children.length; i++) {
                sum += entries(children[i], depth + 1);
            }
            sums[at] = sum + children[0];
        }
        return sums[at];
    }

    /** A leaf's number of entries, or 0 and the children of an internal node. */
    private long[] read(long location) {
        long[][] found = {{0}};
        feed.feed(location, new BlockFeed.Visitor() {
            @Override
            public void block(long block, ByteBuffer bytes, int offset) {
                if (node.load(bytes, offset, block) != null || node.shapeFault(WORD_BYTES) != null) {
                    return;
                }
                int entries = node.entries();
                if (node.isLeaf()) {
                    found[0][0] = entries;
                    return;
                }
                found[0] = new long[entries + 1];
                for (int i = 0; i < entries; i++) {
                    found[0][i + 1] = node.value(i);
                }
            }

            @Override
            public void unreadable(long block, String reason) {}
        });
        return found[0];
    }
}

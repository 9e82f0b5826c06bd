package dev.gossamer.thin.offline;

import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.OrderedWalk;
import dev.gossamer.pdata.scan.TreeKind;
import java.io.IOException;
import java.util.List;
import java.util.function.LongPredicate;

/**
 * Runs of leaves that two or more devices have (OT-11): longest chains of leaves that follow each other wherever they
 * are. Reads internal nodes only.
 *
 * <p>Memory: 9 bytes for each metadata block.
 */
final class SharedRuns {
    private static final int NONE = 0;
    private static final int SEVERAL = -1;
    private static final byte BEGINS = 1;
    private static final byte ENDS = 2;
    private static final byte SEEN = 4;
    private static final byte SHARED = 8;

    private final LongPredicate nodes;
    private final int[] next;
    private final int[] previous;
    private final byte[] flags;

    /**
     * @param nodes which blocks can be in a run at all
     * @param roots of the mapping trees of all devices
     */
    SharedRuns(BlockFeed feed, LongPredicate nodes, List<Long> roots) throws IOException {
        this.nodes = nodes;
        int blocks = (int) feed.blocks();
        next = new int[blocks];
        previous = new int[blocks];
        flags = new byte[blocks];
        OrderedWalk walk = new OrderedWalk(feed, TreeKind.MAPPINGS);
        for (long root : roots) {
            list(walk, root);
        }
    }

    private void list(OrderedWalk walk, long root) throws IOException {
        long[] before = {NONE};
        walk.walk(root, new OrderedWalk.Visitor() {
            @Override
            public boolean wants(long leaf) {
                return false;
            }

            @Override
            public void passed(long leaf) {
                if (leaf > 0 && leaf < flags.length && nodes.test(leaf)) {
                    follow((int) before[0], (int) leaf);
                    before[0] = leaf;
                } else {
                    end((int) before[0]);
                    before[0] = NONE;
                }
            }

            @Override
            public void leaf(NodeView leaf, long low, long high) {
                passed(leaf.location());
            }

            @Override
            public void lost(long location, long low, long high, String reason) {
                // Whoever reads the leaves meets it, too. What comes after does not follow what was before.
                end((int) before[0]);
                before[0] = NONE;
            }
        });
        end((int) before[0]);
    }

    private void follow(int before, int leaf) {
        flags[leaf] |= (flags[leaf] & SEEN) == 0 ? SEEN : SHARED;
        if (before == NONE) {
            flags[leaf] |= BEGINS;
            return;
        }
        next[before] = next[before] == NONE || next[before] == leaf ? leaf : SEVERAL;
        previous[leaf] = previous[leaf] == NONE || previous[leaf] == before ? before : SEVERAL;
    }

    private void end(int leaf) {
        if (leaf != NONE) {
            flags[leaf] |= ENDS;
        }
    }

    /** Whether a leaf is in the lists of two devices or more. */
    boolean isShared(long leaf) {
        return leaf > 0 && leaf < flags.length && (flags[(int) leaf] & SHARED) != 0;
    }

    /** Whether a run begins with this leaf. */
    boolean isFirst(long leaf) {
        int before = previous[(int) leaf];
        return before <= NONE || !isLink(before, (int) leaf);
    }

    /** The leaf that follows in the same run; 0: the run ends. */
    long following(long leaf) {
        int after = next[(int) leaf];
        return after > NONE && isLink((int) leaf, after) ? after : NONE;
    }

    private boolean isLink(int before, int after) {
        return next[before] == after
                && previous[after] == before
                && (flags[before] & ENDS) == 0
                && (flags[after] & BEGINS) == 0;
    }
}

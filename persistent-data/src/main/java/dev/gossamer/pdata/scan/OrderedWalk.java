package dev.gossamer.pdata.scan;

import dev.gossamer.pdata.block.MetadataBlock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Walks a tree in the order of its keys. The children of a node are read together, by ascending location. Goes on
 * behind what cannot be read.
 *
 * <p>Memory: a mebibyte for each level of the tree.
 */
public final class OrderedWalk {
    /** Told of the leaves, in order. */
    public interface Visitor {
        /** Whether to read a leaf; asked in order, for all leaves of a node before the first is visited. */
        default boolean wants(long leaf) {
            return true;
        }

        /** A leaf that is not wanted, in its place. */
        default void passed(long leaf) throws IOException {}

        /**
         * A leaf.
         *
         * @param leaf lent during the call
         * @param low its place stands for keys from here on
         * @param high and up to here; other keys are out of place
         */
        void leaf(NodeView leaf, long low, long high) throws IOException;

        /** A node that cannot be used; its place stands for these keys, both included. */
        void lost(long location, long low, long high, String reason) throws IOException;
    }

    /** Leaves that {@link #leaves} takes at once. */
    public static final int MAX_LEAVES = 252;

    private static final int UNKNOWN = -1;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final BlockFeed feed;
    private final TreeKind kind;
    private final List<ByteBuffer> levels = new ArrayList<>();
    private final NodeView node = new NodeView();
    private Visitor visitor;
    /** Internal nodes from the root to the leaves; of all trees, unless they are damaged. */
    private int leafDepth;

    public OrderedWalk(BlockFeed feed, TreeKind kind) {
        this.feed = feed;
        this.kind = kind;
    }

    /** Walks the whole tree. */
    public void walk(long root, Visitor newVisitor) throws IOException {
        visitor = newVisitor;
        leafDepth = heightOf(root);
        walkChildren(new long[] {0}, new long[] {root}, -1L, 0);
    }

    /** Visits leaves, in this order, that stand for any keys. */
    public void leaves(long[] locations, Visitor newVisitor) throws IOException {
        visitor = newVisitor;
        leafDepth = 0;
        walkChildren(new long[locations.length], locations, -1L, 0);
    }

    /** How many internal nodes are on the way to the first leaf; UNKNOWN if there is no way. */
    private int heightOf(long root) {
        long[] location = {root};
        for (int depth = 0; depth < TreeScan.MAX_DEPTH; depth++) {
            boolean[] sound = {false};
            if (location[0] <= 0 || location[0] >= feed.blocks()) {
                return UNKNOWN;
            }
            feed.feed(location[0], new BlockFeed.Visitor() {
                @Override
                public void block(long block, ByteBuffer bytes, int offset) {
                    sound[0] = node.load(bytes, offset, block) == null;
                }

                @Override
                public void unreadable(long block, String reason) {}
            });
            if (!sound[0]) {
                return UNKNOWN;
            }
            if (node.isLeaf()) {
                return depth;
            }
            location[0] = node.value(0);
        }
        return UNKNOWN;
    }

    /** Reads siblings, then visits them or what is below them. */
    private void walkChildren(long[] keys, long[] locations, long high, int depth) throws IOException {
        boolean[] passed = new boolean[locations.length];
        long[] wanted = new long[locations.length];
        for (int i = 0; i < locations.length; i++) {
            passed[i] = depth == leafDepth && !visitor.wants(locations[i]);
            wanted[i] = passed[i] ? 0 : locations[i];
        }
        BlockList list = new BlockList(wanted, feed.blocks());
        String[] errors = new String[list.size()];
        ByteBuffer level = level(depth, list.size());
        feed.feed(list, new BlockFeed.Visitor() {
            @Override
            public void block(long location, ByteBuffer bytes, int offset) {
                level.put(list.indexOf(location) * MetadataBlock.BYTES, bytes, offset, MetadataBlock.BYTES);
            }

            @Override
            public void unreadable(long location, String reason) {
                errors[list.indexOf(location)] = reason;
            }
        });
        for (int i = 0; i < locations.length; i++) {
            long end = i + 1 < keys.length ? keys[i + 1] - 1 : high;
            int slot = list.indexOf(locations[i]);
            if (passed[i]) {
                visitor.passed(locations[i]);
            } else if (slot < 0) {
                visitor.lost(
                        locations[i],
                        keys[i],
                        end,
                        "metadata block " + Long.toUnsignedString(locations[i])
                                + " (B-tree node) cannot be: the metadata device has " + feed.blocks());
            } else if (errors[slot] != null) {
                visitor.lost(locations[i], keys[i], end, errors[slot]);
            } else {
                visit(level, slot, locations[i], keys[i], end, depth);
            }
        }
    }

    private void visit(ByteBuffer level, int slot, long location, long low, long high, int depth) throws IOException {
        String fault = node.load(level, slot * MetadataBlock.BYTES, location);
        if (fault == null && node.shapeFault(kind.leafValueBytes()) != null) {
            fault = "metadata block " + location + " (" + kind + ") " + node.shapeFault(kind.leafValueBytes());
        }
        if (fault == null && !node.isLeaf()) {
            fault = depth == TreeScan.MAX_DEPTH ? "metadata block " + location + " is too deep in its tree" : null;
            fault = isInPlace(low, high) ? fault : "metadata block " + location + " has keys of another place";
        }
        if (fault != null) {
            visitor.lost(location, low, high, fault);
        } else if (node.isLeaf()) {
            visitor.leaf(node, low, high);
        } else {
            long[] keys = new long[node.entries()];
            long[] locations = new long[keys.length];
            for (int i = 0; i < keys.length; i++) {
                keys[i] = node.key(i);
                locations[i] = node.value(i);
            }
            keys[0] = low; // what is before the first key belongs to the first child
            walkChildren(keys, locations, high, depth + 1);
        }
    }

    /**
     * Without this a damaged tree that leads back to itself, or to one node from everywhere, would be walked for ever.
     */
    private boolean isInPlace(long low, long high) {
        int last = node.entries() - 1;
        return Long.compareUnsigned(node.key(last), high) <= 0
                && (last == 0 || Long.compareUnsigned(node.key(1), low) > 0);
    }

    /** As large as its siblings need: most trees are a few leaves, and who walks many must not take a MiB for each. */
    private ByteBuffer level(int depth, int blocks) {
        while (levels.size() <= depth) {
            levels.add(NOTHING);
        }
        if (levels.get(depth).capacity() < blocks * MetadataBlock.BYTES) {
            levels.set(
                    depth,
                    ByteBuffer.allocateDirect(blocks * MetadataBlock.BYTES).order(ByteOrder.LITTLE_ENDIAN));
        }
        return levels.get(depth);
    }
}

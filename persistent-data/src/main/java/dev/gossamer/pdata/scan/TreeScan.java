package dev.gossamer.pdata.scan;

import java.nio.ByteBuffer;

/**
 * Visits every node of all trees of a kind once, however many parents and roots it has: the roots, then their children,
 * and so on, each layer by ascending location. Counts the references to nodes. {@link TreeSums} adds up what was seen.
 */
public final class TreeScan {
    /** More than any tree of 64-bit keys needs; keeps a chain of damaged nodes from going on for ever. */
    static final int MAX_DEPTH = 24;

    /** Told of every sound leaf. */
    public interface Leaves {
        /**
         * A leaf.
         *
         * @param leaf lent during the call
         */
        void leaf(NodeView leaf);
    }

    /** Told what is wrong. */
    public interface Faults {
        /** A node that could not be looked into: nothing below it is seen. */
        void lost(TreeKind tree, long location, String reason);

        /** A node that is not what it is referred to as: nothing below it is seen. */
        void misplaced(TreeKind tree, long location, String reason);

        /** A node that breaks a rule, but was looked into. */
        void bad(TreeKind tree, long location, String reason);
    }

    final TreeKind kind;
    final BlockFeed feed;
    final Faults faults;
    final NodeTable nodes = new NodeTable();
    private final Claims claims;
    private final PackedCounts references;
    private final Leaves leaves;
    private final NodeView node = new NodeView();
    private BlockSet next;

    private final BlockFeed.Visitor visitor = new BlockFeed.Visitor() {
        @Override
        public void block(long location, ByteBuffer bytes, int offset) {
            visit(location, bytes, offset);
        }

        @Override
        public void unreadable(long location, String reason) {
            lost(location, reason);
        }
    };

    /**
     * @param claims shared by the scans of all kinds
     * @param references where references to metadata blocks are counted
     */
    public TreeScan(
            TreeKind kind, BlockFeed feed, Claims claims, PackedCounts references, Leaves leaves, Faults faults) {
        this.kind = kind;
        this.feed = feed;
        this.claims = claims;
        this.references = references;
        this.leaves = leaves;
        this.faults = faults;
        next = new BlockSet(feed.blocks());
    }

    /** Counts a reference to a root, and visits it with the next {@link #run}. */
    public void addRoot(long root) {
        want(root);
    }

    /** Visits everything that can be reached from the roots and has not been visited. */
    public void run() {
        while (next.size() > 0) {
            if (nodes.layers() == MAX_DEPTH) {
                for (long location = next.next(0); location >= 0; location = next.next(location + 1)) {
                    faults.misplaced(kind, location, "the tree is too deep");
                }
                break;
            }
            BlockSet layer = next;
            next = new BlockSet(feed.blocks());
            nodes.addLayer(layer);
            feed.feed(layer, visitor);
        }
        next = new BlockSet(feed.blocks());
    }

    /** Distinct nodes visited. */
    public int visited() {
        return nodes.nodes();
    }

    private void want(long location) {
        if (location <= 0 || location >= feed.blocks()) {
            String what = location == 0
                    ? "metadata block 0 is the superblock, but is referred to as B-tree node"
                    : "metadata block " + Long.toUnsignedString(location)
                            + " (B-tree node) lies beyond the metadata device of " + feed.blocks() + " blocks";
            faults.lost(kind, location, what);
            return;
        }
        references.increment(location);
        TreeKind owner = claims.claim(location, kind);
        if (owner != kind) {
            faults.misplaced(kind, location, "is also part of the " + owner);
        } else if (!nodes.contains(location)) {
            next.add(location);
        }
    }

    private void lost(long location, String reason) {
        nodes.addFlags(nodes.find(location), NodeTable.BAD);
        faults.lost(kind, location, reason);
    }

    private void visit(long location, ByteBuffer bytes, int offset) {
        String fault = node.load(bytes, offset, location);
        if (fault != null) {
            lost(location, fault);
            return;
        }
        if (node.shapeFault(kind.leafValueBytes()) != null) {
            nodes.addFlags(nodes.find(location), NodeTable.BAD);
            faults.misplaced(kind, location, node.shapeFault(kind.leafValueBytes()));
            return;
        }
        if (node.roomFault() != null) {
            faults.bad(kind, location, node.roomFault());
        }
        int number = nodes.find(location);
        int entries = node.entries();
        if (node.isLeaf()) {
            nodes.setKeys(number, entries == 0 ? 0 : node.key(0), entries == 0 ? 0 : node.key(entries - 1));
            nodes.setNote(number, NodeTable.note(entries, 0, entries, NodeTable.DONE));
            leaves.leaf(node);
        } else {
            nodes.setNote(number, NodeTable.note(0, 0, entries, 0));
            for (int i = 0; i < entries; i++) {
                want(node.value(i));
            }
        }
    }
}

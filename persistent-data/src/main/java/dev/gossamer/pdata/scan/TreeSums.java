package dev.gossamer.pdata.scan;

import dev.gossamer.pdata.btree.NodeLayout;
import java.nio.ByteBuffer;

/**
 * Adds up a scanned tree: entries, and whether every node is where its keys belong. Reads internal nodes once more, one
 * in a hundred, and no leaf. What was added up below a shared node is used again.
 */
public final class TreeSums {
    /** What is known of a tree. Entries are those of its sound leaves. */
    public record Sum(boolean sound, long entries) {}

    /** Told the ranges of keys that cannot be read. */
    public interface LostRanges {
        /** Keys from {@code low} to {@code high}, both included. */
        void lost(long location, long low, long high);
    }

    private static final int CHILD_BYTES = 8;
    /** Of one tree; a tree in which everything leads to everything has no end of them. */
    private static final int MAX_RANGES = 1 << 16;

    private final TreeScan scan;
    private final NodeTable nodes;
    private final NodeView node = new NodeView();
    private int ranges;

    /** An internal node, copied out. */
    private static final class Children {
        long[] keys;
        long[] locations;
    }

    /** @param scan one that has run */
    public TreeSums(TreeScan scan) {
        this.scan = scan;
        this.nodes = scan.nodes;
    }

    /** Adds up the tree of a root that was scanned. */
    public Sum of(long root) {
        int number = nodes.find(root);
        if (number == NodeTable.NOWHERE) {
            return new Sum(false, 0);
        }
        long note = add(root, number, 0);
        return new Sum(!NodeTable.is(note, NodeTable.BAD | NodeTable.UNSOUND), NodeTable.below(note));
    }

    /** Tells which keys of a tree are lost; after {@link #of}. */
    public void lostRanges(long root, LostRanges lost) {
        ranges = 0;
        lostRanges(root, 0, -1, 0, lost);
    }

    private void lostRanges(long location, long low, long high, int depth, LostRanges lost) {
        if (++ranges > MAX_RANGES) {
            return;
        }
        int number = nodes.find(location);
        long note = number == NodeTable.NOWHERE ? NodeTable.BAD : nodes.note(number);
        if (NodeTable.is(note, NodeTable.BAD) || depth == TreeScan.MAX_DEPTH) {
            lost.lost(location, low, high);
        } else if (NodeTable.is(note, NodeTable.UNSOUND)) {
            Children children = read(location);
            if (children == null) {
                lost.lost(location, low, high);
                return;
            }
            for (int i = 0; i < children.keys.length; i++) {
                long end = i + 1 < children.keys.length ? children.keys[i + 1] - 1 : high;
                lostRanges(children.locations[i], children.keys[i], end, depth + 1, lost);
            }
        }
    }

    private long add(long location, int number, int depth) {
        long note = nodes.note(number);
        if (NodeTable.is(note, NodeTable.DONE | NodeTable.BAD)) {
            return note;
        }
        if (NodeTable.is(note, NodeTable.UNDER_WAY) || depth == TreeScan.MAX_DEPTH) {
            String what = depth == TreeScan.MAX_DEPTH ? "the tree is too deep" : "is its own descendant";
            scan.faults.misplaced(scan.kind, location, what);
            nodes.addFlags(number, NodeTable.BAD);
            return nodes.note(number);
        }
        nodes.addFlags(number, NodeTable.UNDER_WAY);
        Children children = read(location);
        if (children == null) {
            nodes.addFlags(number, NodeTable.BAD);
        } else {
            addChildren(location, number, children, depth);
        }
        return nodes.note(number);
    }

    private void addChildren(long location, int number, Children children, int depth) {
        long flags = NodeTable.DONE;
        int height = -1;
        long entries = 0;
        long low = 0;
        long high = 0;
        for (int i = 0; i < children.keys.length; i++) {
            int child = nodes.find(children.locations[i]);
            long note = child == NodeTable.NOWHERE ? NodeTable.BAD : add(children.locations[i], child, depth + 1);
            if (NodeTable.is(note, NodeTable.BAD)) {
                flags |= NodeTable.UNSOUND;
                continue;
            }
            flags |= note & NodeTable.UNSOUND;
            if (height >= 0 && NodeTable.height(note) != height) {
                bad(location, "has leaves at different depths below it");
            }
            height = NodeTable.height(note);
            checkFill(children.locations[i], child, note);
            if (NodeTable.below(note) > 0) {
                checkOrder(location, children.keys, i, child);
                low = entries == 0 ? nodes.low(child) : low;
                high = nodes.high(child);
            }
            entries += NodeTable.below(note);
        }
        long self = nodes.note(number) & (NodeTable.BAD | NodeTable.REPORTED);
        nodes.setKeys(number, low, high);
        nodes.setNote(number, NodeTable.note(entries, height + 1, children.keys.length, flags | self));
    }

    private void checkFill(long location, int number, long note) {
        int max = NodeLayout.maxEntriesFor(NodeTable.height(note) == 0 ? scan.kind.leafValueBytes() : CHILD_BYTES);
        int own = NodeTable.ownEntries(note);
        if (own < max / 3 && !NodeTable.is(note, NodeTable.REPORTED)) {
            nodes.addFlags(number, NodeTable.REPORTED);
            bad(location, "has " + own + " entries, less than a third of " + max);
        }
    }

    private void checkOrder(long location, long[] keys, int index, int child) {
        if (Long.compareUnsigned(keys[index], nodes.low(child)) > 0) {
            bad(location, "key " + index + " is above the first key of its child: entries cannot be found");
        }
        if (index + 1 < keys.length && Long.compareUnsigned(nodes.high(child), keys[index + 1]) >= 0) {
            bad(location, "child " + index + " has keys that belong to its right neighbour");
        }
    }

    private void bad(long location, String reason) {
        scan.faults.bad(scan.kind, location, reason);
    }

    /** Null if it is not what it was when it was visited: somebody has written to it. */
    private Children read(long location) {
        Children children = new Children();
        scan.feed.feed(location, new BlockFeed.Visitor() {
            @Override
            public void block(long block, ByteBuffer bytes, int offset) {
                if (node.load(bytes, offset, location) == null && !node.isLeaf()) {
                    copyOut(children);
                } else {
                    scan.faults.lost(scan.kind, location, "metadata block " + location + " has changed meanwhile");
                }
            }

            @Override
            public void unreadable(long block, String reason) {
                scan.faults.lost(scan.kind, location, reason);
            }
        });
        return children.keys == null ? null : children;
    }

    private void copyOut(Children children) {
        long[] keys = new long[node.entries()];
        long[] locations = new long[keys.length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = node.key(i);
            locations[i] = node.value(i);
        }
        children.locations = locations;
        children.keys = keys;
    }
}

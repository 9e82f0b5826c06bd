package dev.gossamer.pdata.check;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.btree.NodeLayout;

/**
 * Visits each node of a kind of tree once, however many parents it has; checks its shape, and its place under every
 * parent.
 */
final class TreeCheck {
    /** More than any tree of 64-bit keys needs; keeps a chain of damaged nodes from exhausting the stack. */
    private static final int MAX_DEPTH = 24;

    private static final int UNDER_WAY = -1;

    /** Told every entry of every distinct leaf. The arrays are only lent. */
    interface LeafEntries {
        void entry(long leaf, long key, long[] value);
    }

    /** What a parent needs to know of a visited node. {@code entries} counts those of all leaves below. */
    record Visited(
            String tree,
            boolean sound,
            int height,
            int nodeEntries,
            int maxEntries,
            long entries,
            long firstKey,
            long lastKey) {
        static Visited underWay(String tree) {
            return new Visited(tree, false, UNDER_WAY, 0, 0, 0, 0, 0);
        }

        static Visited unsound(String tree) {
            return new Visited(tree, false, 0, 0, 0, 0, 0, 0);
        }
    }

    private final String tree;
    private final int leafWords;
    private final int leafBytes;
    private final MetadataChecker checker;
    private final LeafEntries leafEntries;

    TreeCheck(String tree, int leafBytes, MetadataChecker checker, LeafEntries leafEntries) {
        this.tree = tree;
        this.leafBytes = leafBytes;
        this.leafWords = Math.max(1, leafBytes / Long.BYTES);
        this.checker = checker;
        this.leafEntries = leafEntries;
    }

    /** Walks a tree. The reference that led here has been counted by the caller. */
    Visited walk(long root) {
        return walk(root, 0);
    }

    private Visited walk(long location, int depth) {
        Visited known = checker.visited.get(location);
        if (known == null) {
            checker.visited.put(location, Visited.underWay(tree));
            known = depth < MAX_DEPTH ? visit(location, depth) : skip(location, "the tree is too deep");
            checker.visited.put(location, known);
        } else if (!known.tree.equals(tree)) {
            return skip(location, "is also part of the " + known.tree);
        } else if (known.height == UNDER_WAY) {
            return skip(location, "is its own descendant");
        }
        return known;
    }

    private Visited visit(long location, int depth) {
        long[] keys;
        long[] values;
        int maxEntries;
        boolean leaf;
        try {
            MetadataBlock node = checker.blocks.read(location, BlockValidator.BTREE_NODE);
            NodeLayout.check(node);
            leaf = NodeLayout.isLeaf(node);
            maxEntries = NodeLayout.maxEntries(node);
            int valueBytes = NodeLayout.valueBytes(node);
            if (leaf && valueBytes != leafBytes) {
                return skip(location, "has values of " + valueBytes + " bytes instead of " + leafBytes);
            }
            if (maxEntries != NodeLayout.maxEntriesFor(valueBytes)) {
                bad(
                        location,
                        "has room for " + maxEntries + " entries instead of " + NodeLayout.maxEntriesFor(valueBytes));
            }
            // Children are read next, and may push this block out of the cache.
            int words = leaf ? leafWords : 1;
            keys = new long[NodeLayout.entries(node)];
            values = new long[keys.length * words];
            for (int i = 0; i < keys.length; i++) {
                keys[i] = NodeLayout.key(node, i);
                for (int word = 0; word < words; word++) {
                    values[i * words + word] = NodeLayout.word(node, i, word);
                }
            }
        } catch (StorageException e) {
            checker.unreadable(location, e.getMessage());
            return Visited.unsound(tree);
        }
        return leaf
                ? visitLeaf(location, maxEntries, keys, values)
                : visitInternal(location, maxEntries, keys, values, depth);
    }

    private Visited visitLeaf(long location, int maxEntries, long[] keys, long[] values) {
        long[] value = new long[leafWords];
        for (int i = 0; i < keys.length; i++) {
            System.arraycopy(values, i * leafWords, value, 0, leafWords);
            leafEntries.entry(location, keys[i], value);
        }
        long first = keys.length == 0 ? 0 : keys[0];
        long last = keys.length == 0 ? 0 : keys[keys.length - 1];
        return new Visited(tree, true, 0, keys.length, maxEntries, keys.length, first, last);
    }

    private Visited visitInternal(long location, int maxEntries, long[] keys, long[] children, int depth) {
        boolean sound = true;
        int height = -1;
        long entries = 0;
        long firstKey = 0;
        long lastKey = 0;
        for (int i = 0; i < keys.length; i++) {
            checker.metadataReferences.add(children[i]);
            Visited child = walk(children[i], depth + 1);
            sound &= child.sound;
            if (!child.sound) {
                continue;
            }
            if (height >= 0 && child.height != height) {
                bad(location, "has leaves at different depths below it");
            }
            height = child.height;
            if (child.nodeEntries < child.maxEntries / 3) {
                bad(children[i], "has " + child.nodeEntries + " entries, less than a third of " + child.maxEntries);
            }
            if (child.entries > 0) {
                checkOrder(location, keys, i, child);
                firstKey = entries == 0 ? child.firstKey : firstKey;
                lastKey = child.lastKey;
            }
            entries += child.entries;
        }
        return new Visited(tree, sound, height + 1, keys.length, maxEntries, entries, firstKey, lastKey);
    }

    private void checkOrder(long location, long[] keys, int index, Visited child) {
        if (Long.compareUnsigned(keys[index], child.firstKey) > 0) {
            bad(location, "key " + index + " is above the first key of its child: entries cannot be found");
        }
        if (index + 1 < keys.length && Long.compareUnsigned(child.lastKey, keys[index + 1]) >= 0) {
            bad(location, "child " + index + " has keys that belong to its right neighbour");
        }
    }

    private void bad(long location, String reason) {
        checker.damage.add(new Damage.BadNode(tree, location, reason));
    }

    private Visited skip(long location, String reason) {
        checker.skipped(tree, location, reason);
        return Visited.unsound(tree);
    }
}

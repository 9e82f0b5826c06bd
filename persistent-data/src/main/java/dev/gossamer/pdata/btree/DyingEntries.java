package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;
import java.util.HashMap;
import java.util.Map;

/**
 * Finds the leaf entries of some trees, of one kind, that go if all of these trees do: those in nodes of which every
 * parent goes. In a range of keys at a time, so that a step is short; what is marked is forgotten with the range.
 *
 * <p>Holds no block. The trees must not change between {@link #start} and the last {@link #leave}.
 */
public final class DyingEntries {
    /** Hears of entries, one for each leaf that names it. */
    public interface Entries {
        /** The leaf goes. */
        void goes(long key, long value) throws StorageException;

        /** The leaf stays, for others have it as well. Told of some of those. */
        void stays(long key, long value) throws StorageException;
    }

    /** Nodes that stay of which an entry is told, in each range. */
    private static final int MAX_STAYING = 8;

    /** Of a node: parents that go, and where it was met. */
    private record Met(long gone, long low, long bound) {}

    private final BTree tree;
    private final Entries entries;
    private final Map<Long, Met> met = new HashMap<>();
    private long from;
    private long toExclusive;
    private int nodesRead;

    public DyingEntries(BTree tree, Entries entries) {
        this.tree = tree;
        this.entries = entries;
    }

    /** Begins with a range of keys. */
    public void start(long fromKey, long toKeyExclusive) {
        from = fromKey;
        toExclusive = toKeyExclusive;
        met.clear();
        nodesRead = 0;
    }

    /** One more reference to a root goes. */
    public void leave(long root) throws StorageException {
        leave(root, 0, tree.maxKey);
    }

    /** Nodes read since the start. */
    public int nodesRead() {
        return nodesRead;
    }

    private void leave(long location, long low, long bound) throws StorageException {
        Met before = met.get(location);
        long gone = before == null ? 1 : before.gone + 1;
        met.put(location, new Met(gone, low, bound));
        if (gone != tree.tx.count(location)) {
            return;
        }
        MetadataBlock node = read(location, low, bound);
        int count = NodeLayout.entries(node);
        boolean leaf = NodeLayout.isLeaf(node);
        long[] keys = new long[count];
        long[] words = new long[count];
        long[] bounds = new long[count];
        for (int i = 0; i < count; i++) {
            keys[i] = NodeLayout.key(node, i);
            words[i] = leaf ? NodeLayout.word(node, i, 0) : NodeLayout.child(node, i);
            bounds[i] = leaf ? keys[i] : NodeLayout.lastKeyBelow(node, i, bound);
        }
        // The block may leave the cache while others are read.
        for (int i = 0; i < count; i++) {
            if (keys[i] >= toExclusive || bounds[i] < from) {
                continue;
            }
            if (leaf) {
                entries.goes(keys[i], words[i]);
            } else {
                leave(words[i], keys[i], bounds[i]);
            }
        }
    }

    /** Tells of one entry in some of the nodes that stay although a parent goes. */
    public void tellStaying() throws StorageException {
        int told = 0;
        for (Map.Entry<Long, Met> each : met.entrySet()) {
            Met its = each.getValue();
            if (its.gone < tree.tx.count(each.getKey())) {
                tellFirst(each.getKey(), its.low, its.bound);
                if (++told == MAX_STAYING) {
                    return;
                }
            }
        }
    }

    private void tellFirst(long location, long low, long bound) throws StorageException {
        MetadataBlock node = read(location, low, bound);
        for (int levels = 0; levels < BTree.MAX_DEPTH && !NodeLayout.isLeaf(node); levels++) {
            int index = Math.max(0, NodeLayout.indexOf(node, from));
            long first = NodeLayout.key(node, index);
            long last = NodeLayout.lastKeyBelow(node, index, bound);
            node = read(NodeLayout.child(node, index), first, last);
        }
        for (int i = 0; i < NodeLayout.entries(node); i++) {
            if (NodeLayout.key(node, i) >= from && NodeLayout.key(node, i) < toExclusive) {
                entries.stays(NodeLayout.key(node, i), NodeLayout.word(node, i, 0));
                return;
            }
        }
    }

    private MetadataBlock read(long location, long low, long bound) throws StorageException {
        nodesRead++;
        return low == 0 && bound == tree.maxKey ? tree.readRoot(location) : tree.readBetween(location, low, bound);
    }
}

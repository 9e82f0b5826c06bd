package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * Nodes on a way down whose counts change when the way is copied, and are above 2 before or afterwards: a shared node's
 * goes down, those of its children go up. Worker's thread.
 */
public final class HighNodes {
    /** Counts from here on are kept in the overflow tree. */
    private static final int HIGH = 3;

    // A few nodes' worth: as many levels as a way has.
    private long[] locations = new long[64];
    private int size;
    private int upperSize;

    void clear() {
        size = 0;
        upperSize = 0;
    }

    void endUpperLevel() {
        upperSize = size;
    }

    /**
     * A node that has, or gets, several parents is copied.
     *
     * @param hasChildren whether its entries lead to other nodes
     */
    void copied(BTree tree, long location, boolean hasChildren) throws StorageException {
        if (tree.tx.count(location) >= HIGH) {
            add(location);
        }
        if (!hasChildren) {
            return;
        }
        boolean isLeaf = NodeLayout.isLeaf(tree.read(location));
        int entries = NodeLayout.entries(tree.read(location));
        for (int i = 0; i < entries; i++) {
            MetadataBlock node = tree.read(location);
            long child = isLeaf ? NodeLayout.word(node, i, 0) : NodeLayout.child(node, i);
            if (tree.tx.count(child) + 1 >= HIGH) {
                add(child);
            }
        }
    }

    private void add(long location) {
        if (size == locations.length) {
            locations = Arrays.copyOf(locations, 2 * size);
        }
        locations[size++] = location;
    }

    /** Tells those of the upper level. */
    public void tellUpper(LongConsumer hears) {
        tell(hears, upperSize);
    }

    /** Tells all of them. */
    public void tell(LongConsumer hears) {
        tell(hears, size);
    }

    private void tell(LongConsumer hears, int count) {
        for (int i = 0; i < count; i++) {
            hears.accept(locations[i]);
        }
    }
}

package dev.gossamer.pdata.btree;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * A B-tree node in its block (on-disk format, section 4). Static, over the block: a node is looked at far too often to
 * get an object of its own. Reading is public for the checker; changing is the trees' business.
 *
 * <pre>
 *  byte 0      4       8          16          20           24           28         32
 *      +------+-------+----------+-----------+------------+------------+----------+
 *      | csum | flags | location | entries   | maxEntries | value size | 0        |
 *      +------+-------+----------+-----------+------------+------------+----------+
 *      | key 0 | key 1 | ...      8 bytes each, room for maxEntries               | 32
 *      +-------------------------------------------------------------------------+
 *      | value 0 | value 1 | ...  value size each, room for maxEntries           | 32 + 8 * maxEntries
 *      +-------------------------------------------------------------------------+
 * </pre>
 *
 * Keys ascend, unsigned. In an internal node a value is a child's location, and its key is no greater than the child's
 * first key. Bytes beyond the entries mean nothing.
 */
public final class NodeLayout {
    static final int INTERNAL = 1;
    static final int LEAF = 2;
    static final int CHILD_BYTES = 8;

    private static final int FLAGS = 4;
    private static final int ENTRIES = 16;
    private static final int MAX_ENTRIES = 20;
    private static final int VALUE_SIZE = 24;
    static final int KEYS = 32;

    private NodeLayout() {}

    /** Entries that fit: a multiple of three, so that a third of it is the least that a node may hold. */
    public static int maxEntriesFor(int valueBytes) {
        return (MetadataBlock.BYTES - KEYS) / (Long.BYTES + valueBytes) / 3 * 3;
    }

    static void format(MetadataBlock node, int flags, int valueBytes) {
        node.putInt(FLAGS, flags);
        node.putInt(ENTRIES, 0);
        node.putInt(MAX_ENTRIES, maxEntriesFor(valueBytes));
        node.putInt(VALUE_SIZE, valueBytes);
    }

    public static boolean isLeaf(MetadataBlock node) {
        return node.getInt(FLAGS) == LEAF;
    }

    static int flags(MetadataBlock node) {
        return node.getInt(FLAGS);
    }

    public static int entries(MetadataBlock node) {
        return node.getInt(ENTRIES);
    }

    static void setEntries(MetadataBlock node, int entries) {
        node.putInt(ENTRIES, entries);
    }

    public static int maxEntries(MetadataBlock node) {
        return node.getInt(MAX_ENTRIES);
    }

    /** The least number of entries of a node that is not a root. */
    public static int minEntries(MetadataBlock node) {
        return maxEntries(node) / 3;
    }

    static boolean isFull(MetadataBlock node) {
        return entries(node) >= maxEntries(node);
    }

    public static int valueBytes(MetadataBlock node) {
        return node.getInt(VALUE_SIZE);
    }

    public static long key(MetadataBlock node, int index) {
        return node.getLong(KEYS + Long.BYTES * index);
    }

    static void setKey(MetadataBlock node, int index, long key) {
        node.putLong(KEYS + Long.BYTES * index, key);
    }

    public static long child(MetadataBlock node, int index) {
        return node.getLong(valueOffset(node, index));
    }

    static void setChild(MetadataBlock node, int index, long location) {
        node.putLong(valueOffset(node, index), location);
    }

    /** One word of a leaf's value. */
    public static long word(MetadataBlock node, int index, int word) {
        int offset = valueOffset(node, index);
        return valueBytes(node) == Integer.BYTES
                ? Integer.toUnsignedLong(node.getInt(offset))
                : node.getLong(offset + Long.BYTES * word);
    }

    static void getValue(MetadataBlock node, int index, long[] value) {
        for (int word = 0; word < value.length; word++) {
            value[word] = word(node, index, word);
        }
    }

    static void setValue(MetadataBlock node, int index, long[] value) {
        int offset = valueOffset(node, index);
        if (valueBytes(node) == Integer.BYTES) {
            node.putInt(offset, (int) value[0]);
        } else {
            for (int word = 0; word < value.length; word++) {
                node.putLong(offset + Long.BYTES * word, value[word]);
            }
        }
    }

    /** The last key that may be below child {@code index} of a node with keys up to {@code bound}. */
    static long lastKeyBelow(MetadataBlock node, int index, long bound) {
        return index + 1 < entries(node) ? key(node, index + 1) - 1 : bound;
    }

    /** Index of the last key that is not greater than {@code key}, or -1. */
    public static int indexOf(MetadataBlock node, long key) {
        int low = 0;
        int high = entries(node);
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(key(node, middle), key) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    static boolean contains(MetadataBlock node, long key) {
        int index = indexOf(node, key);
        return index >= 0 && key(node, index) == key;
    }

    /** Makes room at {@code index} and sets the key there; the value is the caller's to set. The node is not full. */
    static void insertKey(MetadataBlock node, int index, long key) {
        int entries = entries(node);
        shift(node, index, index + 1, entries - index);
        setEntries(node, entries + 1);
        setKey(node, index, key);
    }

    static void removeEntries(MetadataBlock node, int from, int to) {
        int entries = entries(node);
        shift(node, to, from, entries - to);
        setEntries(node, entries - (to - from));
    }

    /** Copies entries into another node; counts of entries are left to the caller. */
    static void copyEntries(MetadataBlock from, int fromIndex, MetadataBlock to, int toIndex, int count) {
        to.copyFrom(from, KEYS + Long.BYTES * fromIndex, KEYS + Long.BYTES * toIndex, Long.BYTES * count);
        to.copyFrom(from, valueOffset(from, fromIndex), valueOffset(to, toIndex), valueBytes(from) * count);
    }

    /** Moves entries between two neighbours until the left one has {@code leftEntries}. */
    static void balance(MetadataBlock left, MetadataBlock right, int leftEntries) throws MetadataCorrupt {
        if (maxEntries(left) != maxEntries(right)
                || valueBytes(left) != valueBytes(right)
                || flags(left) != flags(right)) {
            throw new MetadataCorrupt("metadata blocks " + left.location() + " and " + right.location()
                    + " are neighbours in a B-tree but have different shapes");
        }
        int leftBefore = entries(left);
        int rightBefore = entries(right);
        int rightEntries = leftBefore + rightBefore - leftEntries;
        if (leftEntries < leftBefore) {
            int moved = leftBefore - leftEntries;
            shift(right, 0, moved, rightBefore);
            copyEntries(left, leftEntries, right, 0, moved);
        } else {
            int moved = leftEntries - leftBefore;
            copyEntries(right, 0, left, leftBefore, moved);
            shift(right, moved, 0, rightEntries);
        }
        setEntries(left, leftEntries);
        setEntries(right, rightEntries);
    }

    /** Looks at everything in a loaded node that the other methods rely on. */
    public static void check(MetadataBlock node) throws MetadataCorrupt {
        int flags = flags(node);
        if (flags != INTERNAL && flags != LEAF) {
            throw corrupt(node, "flags " + flags + " say neither internal nor leaf");
        }
        int valueBytes = valueBytes(node);
        int maxEntries = maxEntries(node);
        if (valueBytes <= 0
                || maxEntries < 3
                || (Long.BYTES + (long) valueBytes) * maxEntries > MetadataBlock.BYTES - KEYS) {
            throw corrupt(node, "room for " + maxEntries + " entries of " + valueBytes + " bytes does not fit");
        }
        int entries = entries(node);
        if (entries < 0 || entries > maxEntries) {
            throw corrupt(node, "has " + Integer.toUnsignedString(entries) + " entries, room for " + maxEntries);
        }
        if (flags == INTERNAL && (valueBytes != CHILD_BYTES || entries == 0)) {
            throw corrupt(node, "is internal with " + entries + " children of " + valueBytes + " bytes");
        }
        for (int i = 1; i < entries; i++) {
            if (Long.compareUnsigned(key(node, i - 1), key(node, i)) >= 0) {
                throw corrupt(node, "key " + i + " does not ascend");
            }
        }
    }

    /** Refuses a node whose keys are not in {@code [low, bound]}: it is not what its place in the tree stands for. */
    static void checkBounds(MetadataBlock node, long low, long bound, boolean mayBeEmpty) throws MetadataCorrupt {
        int entries = entries(node);
        if (entries == 0) {
            if (!mayBeEmpty) {
                throw corrupt(node, "is a leaf without entries, but not the only node of its tree");
            }
        } else if (Long.compareUnsigned(key(node, 0), low) < 0
                || Long.compareUnsigned(key(node, entries - 1), bound) > 0) {
            throw corrupt(
                    node,
                    "has keys from " + Long.toUnsignedString(key(node, 0)) + " to "
                            + Long.toUnsignedString(key(node, entries - 1)) + " where " + Long.toUnsignedString(low)
                            + " to " + Long.toUnsignedString(bound) + " belong");
        }
    }

    static MetadataCorrupt corrupt(MetadataBlock node, String what) {
        return new MetadataCorrupt("metadata block " + node.location() + " (B-tree node) " + what);
    }

    private static void shift(MetadataBlock node, int fromIndex, int toIndex, int count) {
        node.move(KEYS + Long.BYTES * fromIndex, KEYS + Long.BYTES * toIndex, Long.BYTES * count);
        node.move(valueOffset(node, fromIndex), valueOffset(node, toIndex), valueBytes(node) * count);
    }

    private static int valueOffset(MetadataBlock node, int index) {
        return KEYS + Long.BYTES * maxEntries(node) + valueBytes(node) * index;
    }
}

package dev.gossamer.pdata.scan;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.btree.NodeLayout;
import java.nio.ByteBuffer;

/** Looks into a B-tree node that lies in a buffer (on-disk format, section 4). One object for all nodes of a thread. */
public final class NodeView {
    private static final int INTERNAL = 1;
    private static final int LEAF = 2;
    private static final int FLAGS = 4;
    private static final int ENTRIES = 16;
    private static final int MAX_ENTRIES = 20;
    private static final int VALUE_SIZE = 24;
    private static final int KEYS = 32;

    private final BlockProof proof = new BlockProof();
    private ByteBuffer bytes;
    private int keysAt;
    private int valuesAt;
    private long location;
    private int entries;
    private int maxEntries;
    private int valueBytes;
    private boolean leaf;

    /** Looks at another node. @return what is wrong with it: checksum, number, shape, order of keys; null if nothing */
    public String load(ByteBuffer newBytes, int offset, long newLocation) {
        String fault = proof.fault(newBytes, offset, newLocation, BlockValidator.BTREE_NODE);
        return fault == null ? look(newBytes, offset, newLocation) : fault;
    }

    /** As {@link #load}, for a block whose checksum and number have been looked at. */
    public String look(ByteBuffer newBytes, int offset, long newLocation) {
        bytes = newBytes;
        location = newLocation;
        int flags = bytes.getInt(offset + FLAGS);
        entries = bytes.getInt(offset + ENTRIES);
        maxEntries = bytes.getInt(offset + MAX_ENTRIES);
        valueBytes = bytes.getInt(offset + VALUE_SIZE);
        leaf = flags == LEAF;
        if (flags != INTERNAL && flags != LEAF) {
            return wrong("flags " + flags + " say neither internal nor leaf");
        }
        if (valueBytes <= 0
                || maxEntries < 3
                || (Long.BYTES + (long) valueBytes) * maxEntries > MetadataBlock.BYTES - KEYS) {
            return wrong("room for " + maxEntries + " entries of " + valueBytes + " bytes does not fit");
        }
        if (entries < 0 || entries > maxEntries) {
            return wrong("has " + Integer.toUnsignedString(entries) + " entries, room for " + maxEntries);
        }
        if (!leaf && (valueBytes != Long.BYTES || entries == 0)) {
            return wrong("is internal with " + entries + " children of " + valueBytes + " bytes");
        }
        keysAt = offset + KEYS;
        valuesAt = keysAt + Long.BYTES * maxEntries;
        return ascends();
    }

    private String ascends() {
        if (entries == 0) {
            return null;
        }
        long before = bytes.getLong(keysAt) + Long.MIN_VALUE;
        for (int i = 1; i < entries; i++) {
            long key = bytes.getLong(keysAt + Long.BYTES * i) + Long.MIN_VALUE;
            if (key <= before) {
                return wrong("key " + i + " does not ascend");
            }
            before = key;
        }
        return null;
    }

    private String wrong(String what) {
        return "metadata block " + location + " (B-tree node) " + what;
    }

    /** What is wrong with a leaf's shape for values of a size; null if nothing. */
    public String shapeFault(int leafValueBytes) {
        if (leaf && valueBytes != leafValueBytes) {
            return "has values of " + valueBytes + " bytes instead of " + leafValueBytes;
        }
        return null;
    }

    /** What is wrong with the room of the node; harmless to a reader. Null if nothing. */
    public String roomFault() {
        int right = NodeLayout.maxEntriesFor(valueBytes);
        return maxEntries == right ? null : "has room for " + maxEntries + " entries instead of " + right;
    }

    public long location() {
        return location;
    }

    public boolean isLeaf() {
        return leaf;
    }

    public int entries() {
        return entries;
    }

    public int maxEntries() {
        return maxEntries;
    }

    public long key(int index) {
        return bytes.getLong(keysAt + Long.BYTES * index);
    }

    /** A child, a mapping, or the first word of a larger value; a value of 4 bytes without sign. */
    public long value(int index) {
        return valueBytes == Integer.BYTES
                ? Integer.toUnsignedLong(bytes.getInt(valuesAt + Integer.BYTES * index))
                : bytes.getLong(valuesAt + valueBytes * index);
    }

    /** A further word of a value. */
    public long word(int index, int word) {
        return bytes.getLong(valuesAt + valueBytes * index + Long.BYTES * word);
    }
}

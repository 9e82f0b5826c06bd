package dev.gossamer.pdata.build;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.btree.NodeLayout;
import java.nio.ByteBuffer;

/** Writes whole nodes (on-disk format, section 4). */
final class NodeWriter {
    private static final int INTERNAL = 1;
    private static final int LEAF = 2;
    private static final int FLAGS = 4;
    private static final int ENTRIES = 16;
    private static final int MAX_ENTRIES = 20;
    private static final int VALUE_SIZE = 24;
    private static final int KEYS = 32;

    private NodeWriter() {}

    /**
     * Writes a node.
     *
     * @param words values, as many 64-bit words each as their size has, at least one
     * @param from the first entry
     */
    static long write(LinearWriter out, boolean leaf, int valueBytes, long[] keys, long[] words, int from, int count)
            throws StorageException {
        int offset = out.begin();
        ByteBuffer bytes = out.bytes();
        int max = NodeLayout.maxEntriesFor(valueBytes);
        bytes.putInt(offset + FLAGS, leaf ? LEAF : INTERNAL);
        bytes.putInt(offset + ENTRIES, count);
        bytes.putInt(offset + MAX_ENTRIES, max);
        bytes.putInt(offset + VALUE_SIZE, valueBytes);
        int values = offset + KEYS + Long.BYTES * max;
        int each = Math.max(1, valueBytes / Long.BYTES);
        for (int i = 0; i < count; i++) {
            bytes.putLong(offset + KEYS + Long.BYTES * i, keys[from + i]);
            if (valueBytes == Integer.BYTES) {
                bytes.putInt(values + Integer.BYTES * i, (int) words[from + i]);
                continue;
            }
            for (int word = 0; word < each; word++) {
                bytes.putLong(values + valueBytes * i + Long.BYTES * word, words[(from + i) * each + word]);
            }
        }
        return out.end(BlockValidator.BTREE_NODE);
    }
}

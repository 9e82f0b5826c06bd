package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is a device's own (OT-14), where trees of unequal height share what is below. */
final class ExclusiveBlocksTest {
    private static final int NODE = 1;
    private static final int LEAF = 2;

    private final byte[] device = new byte[16 * MetadataSource.BLOCK_BYTES];
    private final ByteBuffer bytes = ByteBuffer.wrap(device).order(ByteOrder.LITTLE_ENDIAN);

    /** A node of keys from {@code firstKey} on. */
    private void node(int location, int kind, long firstKey, long... values) {
        int offset = location * MetadataSource.BLOCK_BYTES;
        int max = 252;
        bytes.putInt(offset + 4, kind)
                .putInt(offset + 16, values.length)
                .putInt(offset + 20, max)
                .putInt(offset + 24, Long.BYTES);
        for (int i = 0; i < values.length; i++) {
            bytes.putLong(offset + 32 + 8 * i, firstKey + i);
            bytes.putLong(offset + 32 + 8 * max + 8 * i, values[i]);
        }
        new BlockProof().seal(bytes, offset, location, BlockValidator.BTREE_NODE);
    }

    private static long data(long block) {
        return Mapping.pack(block, 0);
    }

    @Test
    void whatIsFoundToBeSharedLateIsSharedDownToItsLeaves() throws IOException {
        // 1 leads to 3 at once, 2 to it by way of 5: when that is read, 3 and the leaf below have been
        node(1, NODE, 0, 3);
        node(2, NODE, 0, 5, 8);
        node(3, NODE, 0, 6, 7);
        node(5, NODE, 0, 3);
        node(6, LEAF, 0, data(10));
        node(7, LEAF, 1, data(11), data(12));
        node(8, NODE, 4, 9);
        node(9, LEAF, 4, data(13), data(14), data(10));
        long[] exclusive = ExclusiveBlocks.count(new MemoryFeed(device), 100, List.of(1L, 2L));
        assertArrayEquals(new long[] {0, 2}, exclusive);
    }
}

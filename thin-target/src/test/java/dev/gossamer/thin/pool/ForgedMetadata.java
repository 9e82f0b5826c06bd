package dev.gossamer.thin.pool;

import dev.gossamer.io.sim.SimulatedDisk;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * Edits the metadata of a pool that is not open, with right checksums: what no checksum can find, as a mistake or
 * somebody's intention leaves it. Layouts as in the on-disk format.
 */
@SuppressWarnings("ByteBufferBackingArray") // all are wrapped arrays
final class ForgedMetadata {
    static final int BLOCK_BYTES = 4096;
    static final int NODE = 121107;
    static final int SUPERBLOCK = 160774;
    static final int BITMAP = 240779;

    static final int TIME = 44;
    static final int DATA_BLOCKS = 64;
    static final int DATA_ALLOCATED = 72;
    static final int DATA_BITMAPS = 80;
    static final int HELD_ROOT = 56;
    static final int METADATA_BITMAPS = 208;
    static final int MAPPING_ROOT = 320;
    static final int DETAILS_ROOT = 328;

    private final SimulatedDisk disk;

    ForgedMetadata(SimulatedDisk disk) {
        this.disk = disk;
    }

    ByteBuffer block(long location) {
        return ByteBuffer.wrap(disk.readNow(location * BLOCK_BYTES, BLOCK_BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    ByteBuffer superblock() {
        return block(0);
    }

    /** Puts a block there, as one that says it is a node, superblock and so on. */
    void put(long location, ByteBuffer block, int salt) {
        seal(block, location, salt);
        disk.writeNow(location * BLOCK_BYTES, block.array());
    }

    static void seal(ByteBuffer block, long location, int salt) {
        block.putLong(8, location);
        block.putInt(0, checksum(block) ^ salt);
    }

    /** Before the salt. */
    static int checksum(ByteBuffer block) {
        CRC32C crc = new CRC32C();
        crc.update(block.array(), 4, BLOCK_BYTES - 4);
        return ~(int) crc.getValue();
    }

    void putSuperblockLong(int offset, long value) {
        ByteBuffer superblock = superblock();
        superblock.putLong(offset, value);
        put(0, superblock, SUPERBLOCK);
    }

    void putSuperblockInt(int offset, int value) {
        ByteBuffer superblock = superblock();
        superblock.putInt(offset, value);
        put(0, superblock, SUPERBLOCK);
    }

    /** Where the leaf of the details tree is, if that is one node. */
    long detailsLeaf() {
        return superblock().getLong(DETAILS_ROOT);
    }

    /** Where the upper leaf of the mapping tree is, if that is one node. */
    long upperLeaf() {
        return superblock().getLong(MAPPING_ROOT);
    }

    /** Where the root of a device's mappings is. */
    long mappingsOf(long id) {
        ByteBuffer upper = block(upperLeaf());
        return upper.getLong(valueOffset(upper, indexOf(upper, id)));
    }

    static int indexOf(ByteBuffer node, long key) {
        for (int i = 0; i < node.getInt(16); i++) {
            if (node.getLong(keyOffset(i)) == key) {
                return i;
            }
        }
        throw new AssertionError("no key " + key);
    }

    static int keyOffset(int index) {
        return 32 + 8 * index;
    }

    static int valueOffset(ByteBuffer node, int index) {
        return 32 + 8 * node.getInt(20) + node.getInt(24) * index;
    }

    /** Changes a field of a device's record. */
    void putDetail(long id, int offset, long value) {
        long location = detailsLeaf();
        ByteBuffer leaf = block(location);
        leaf.putLong(valueOffset(leaf, indexOf(leaf, id)) + offset, value);
        put(location, leaf, NODE);
    }

    /** Counts a data block of the first bitmap so often: 0 to 2. */
    void setDataCount(long block, int count) {
        ByteBuffer index = block(superblock().getLong(DATA_BITMAPS));
        long location = index.getLong(valueOffset(index, 0));
        ByteBuffer bitmap = block(location);
        int at = 16 + (int) block / 4;
        int shift = (int) (block % 4) * 2;
        int bits = ((count & 1) << 1) | (count >>> 1);
        bitmap.put(at, (byte) ((bitmap.get(at) & ~(3 << shift)) | (bits << shift)));
        put(location, bitmap, BITMAP);
    }

    /** An internal node whose 252 entries all lead to one child. */
    static ByteBuffer fan(long child) {
        ByteBuffer node = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        node.putInt(4, 1);
        node.putInt(16, 252);
        node.putInt(20, 252);
        node.putInt(24, 8);
        for (int i = 0; i < 252; i++) {
            node.putLong(keyOffset(i), i);
            node.putLong(valueOffset(node, i), child);
        }
        return node;
    }
}

package dev.gossamer.pdata.spacemap;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.MetadataBlock;

/**
 * Where a space map begins; stored in the superblock (on-disk format, 6.1).
 *
 * <pre>
 *  byte 0          8               16              24             31
 *      +----------+---------------+---------------+----------------+
 *      | blocks   | allocated     | bitmap root   | overflow root  |
 *      +----------+---------------+---------------+----------------+
 * </pre>
 *
 * @param blocks how many blocks are counted
 * @param allocated how many of them have a count other than 0; a hint when read, since other writers get it wrong
 * @param bitmapRoot data: root node of the bitmap tree; metadata: the index block
 * @param overflowRoot root node of the tree of counts above 2
 */
public record SpaceMapRoot(long blocks, long allocated, long bitmapRoot, long overflowRoot) {
    public static final int BYTES = 32;

    /** Reads the root stored at an offset of a superblock. */
    public static SpaceMapRoot read(MetadataBlock block, int offsetBytes) {
        return new SpaceMapRoot(
                block.getLong(offsetBytes),
                block.getLong(offsetBytes + 8),
                block.getLong(offsetBytes + 16),
                block.getLong(offsetBytes + 24));
    }

    /**
     * Compares the number of blocks with what there can be, before anything is as long as it says.
     *
     * @param deviceBlocks of the metadata device, which the bitmaps have to fit onto
     * @throws MetadataCorrupt if they do not
     */
    void checkSize(long deviceBlocks) throws MetadataCorrupt {
        if (blocks < 0 || Math.ceilDiv(blocks, BitmapLayout.ENTRIES) >= deviceBlocks) {
            throw new MetadataCorrupt("a space map says that it counts " + Long.toUnsignedString(blocks)
                    + " blocks: the bitmaps for them do not fit onto the metadata device of " + deviceBlocks
                    + " blocks");
        }
    }

    public void write(MetadataBlock block, int offsetBytes) {
        block.putLong(offsetBytes, blocks);
        block.putLong(offsetBytes + 8, allocated);
        block.putLong(offsetBytes + 16, bitmapRoot);
        block.putLong(offsetBytes + 24, overflowRoot);
    }
}

package dev.gossamer.pdata.block;

/**
 * The kinds of metadata block. A block carries no type tag: its kind is known from what points to it, and proved by the
 * salt of its checksum (on-disk format, section 2).
 *
 * <pre>
 *  byte 0        4                 8                      16                4095
 *      +--------+-----------------+----------------------+--------------------+
 *      | csum   | kind's own use  | own block number     | kind's own layout  |
 *      +--------+-----------------+----------------------+--------------------+
 *      csum = (CRC-32C of bytes 4..4095, without the final inversion) xor salt
 * </pre>
 */
public enum BlockValidator {
    SUPERBLOCK(160774, "superblock"),
    BTREE_NODE(121107, "B-tree node"),
    BITMAP(240779, "bitmap"),
    INDEX(160478, "bitmap index");

    static final int CHECKSUM_OFFSET = 0;
    static final int LOCATION_OFFSET = 8;

    private final int salt;
    private final String kind;

    BlockValidator(int salt, String kind) {
        this.salt = salt;
        this.kind = kind;
    }

    /** The checksum to store, from what {@link java.util.zip.CRC32C} says of bytes 4 to 4095. */
    public int checksum(long libraryCrc) {
        // The library inverts at the end, the format does not.
        return ~(int) libraryCrc ^ salt;
    }

    @Override
    public String toString() {
        return kind;
    }
}

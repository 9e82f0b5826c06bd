package dev.gossamer.thin.offline;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Says what a device is that is no thin metadata, by its first bytes: the wrong one of several was named. */
final class ForeignMetadata {
    private static final int SECTOR_BYTES = 512;
    private static final int LABEL_SECTORS = 4;
    private static final int MAGIC = 32;
    private static final long CACHE_MAGIC = 6142003L;
    private static final long ERA_MAGIC = 2126579579L;
    private static final int COW_MAGIC = 0x70416E53;
    private static final long PACK_MAGIC = 0xA537A0AA6309EF77L;
    private static final int EXT_MAGIC_AT = 1024 + 56;
    private static final short EXT_MAGIC = (short) 0xEF53;

    private ForeignMetadata() {}

    /** What block 0 belongs to, and what to do; null if nothing is known of it. */
    static String describe(ByteBuffer block, int offset) {
        if (isZero(block, offset)) {
            return "is unformatted: its first block is zero; give the metadata device of a pool";
        }
        if (startsWith(block, offset, "<superblock") || startsWith(block, offset, "<?xml")) {
            return "is XML; use restore to make metadata of it";
        }
        if (block.getLong(offset) == PACK_MAGIC) {
            return "is packed metadata; unpack it first";
        }
        long magic = block.getLong(offset + MAGIC);
        if (magic == CACHE_MAGIC) {
            return "is the metadata of a dm-cache; use cache_check and its like";
        }
        if (magic == ERA_MAGIC) {
            return "is the metadata of a dm-era target; use era_check and its like";
        }
        if (block.getInt(offset) == COW_MAGIC) {
            return "is the store of a classic snapshot, not a pool's metadata";
        }
        return fileSystem(block, offset);
    }

    private static String fileSystem(ByteBuffer block, int offset) {
        for (int sector = 0; sector < LABEL_SECTORS; sector++) {
            if (startsWith(block, offset + sector * SECTOR_BYTES, "LABELONE")) {
                return "is a physical volume of LVM; name the pool in it as lvm:VG/LV, or give its _tmeta device";
            }
        }
        if (startsWith(block, offset, "XFSB")) {
            return "has an XFS file system: it looks like a volume, or the pool's data; give the metadata device";
        }
        if (block.getShort(offset + EXT_MAGIC_AT) == EXT_MAGIC) {
            return "has an ext file system: it looks like a volume, or the pool's data; give the metadata device";
        }
        return null;
    }

    private static boolean isZero(ByteBuffer block, int offset) {
        for (int i = 0; i < MetadataSource.BLOCK_BYTES; i += Long.BYTES) {
            if (block.getLong(offset + i) != 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean startsWith(ByteBuffer block, int offset, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < bytes.length; i++) {
            if (block.get(offset + i) != bytes[i]) {
                return false;
            }
        }
        return true;
    }
}

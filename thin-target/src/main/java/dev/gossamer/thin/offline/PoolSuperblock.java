package dev.gossamer.thin.offline;

import dev.gossamer.pdata.spacemap.SpaceMapRoot;
import java.nio.ByteBuffer;

/**
 * The fields of a superblock (on-disk format, section 3), as they are: none of them is believed. Of a metadata snapshot
 * the space maps are zero.
 */
public record PoolSuperblock(
        int flags,
        int version,
        int time,
        long transactionId,
        long heldRoot,
        SpaceMapRoot dataMap,
        SpaceMapRoot metadataMap,
        long mappingRoot,
        long detailsRoot,
        int dataBlockSectors,
        int metadataBlockSectors,
        long metadataBlocksAtFormat,
        int compatRoFlags,
        int incompatFlags) {
    /** The only version there is. */
    public static final int VERSION = 2;

    static final long MAGIC_VALUE = 27022010L;
    static final int MAGIC = 32;

    private static final int NEEDS_CHECK = 1;
    private static final int METADATA_SECTORS = 8;

    private static final int FLAGS = 4;
    private static final int VERSION_AT = 40;
    private static final int TIME = 44;
    private static final int TRANSACTION_ID = 48;
    private static final int HELD_ROOT = 56;
    private static final int DATA_MAP = 64;
    private static final int METADATA_MAP = 192;
    private static final int MAPPING_ROOT = 320;
    private static final int DETAILS_ROOT = 328;
    private static final int DATA_BLOCK_SECTORS = 336;
    private static final int METADATA_BLOCK_SECTORS = 340;
    private static final int METADATA_BLOCKS = 344;
    private static final int COMPAT_RO_FLAGS = 356;
    private static final int INCOMPAT_FLAGS = 360;

    /** What a new pool's has besides the roots. */
    public static PoolSuperblock of(
            int time,
            long transactionId,
            SpaceMapRoot dataMap,
            SpaceMapRoot metadataMap,
            long mappingRoot,
            long detailsRoot,
            int dataBlockSectors) {
        return new PoolSuperblock(
                0,
                VERSION,
                time,
                transactionId,
                0,
                dataMap,
                metadataMap,
                mappingRoot,
                detailsRoot,
                dataBlockSectors,
                METADATA_SECTORS,
                metadataMap.blocks(),
                0,
                0);
    }

    /** Decodes what lies at an offset of little-endian bytes. */
    static PoolSuperblock read(ByteBuffer bytes, int offset) {
        return new PoolSuperblock(
                bytes.getInt(offset + FLAGS),
                bytes.getInt(offset + VERSION_AT),
                bytes.getInt(offset + TIME),
                bytes.getLong(offset + TRANSACTION_ID),
                bytes.getLong(offset + HELD_ROOT),
                spaceMap(bytes, offset + DATA_MAP),
                spaceMap(bytes, offset + METADATA_MAP),
                bytes.getLong(offset + MAPPING_ROOT),
                bytes.getLong(offset + DETAILS_ROOT),
                bytes.getInt(offset + DATA_BLOCK_SECTORS),
                bytes.getInt(offset + METADATA_BLOCK_SECTORS),
                bytes.getLong(offset + METADATA_BLOCKS),
                bytes.getInt(offset + COMPAT_RO_FLAGS),
                bytes.getInt(offset + INCOMPAT_FLAGS));
    }

    private static SpaceMapRoot spaceMap(ByteBuffer bytes, int offset) {
        return new SpaceMapRoot(
                bytes.getLong(offset),
                bytes.getLong(offset + 8),
                bytes.getLong(offset + 16),
                bytes.getLong(offset + 24));
    }

    /** Encodes into a block of zeros, all but number and checksum. */
    public void write(ByteBuffer bytes, int offset) {
        bytes.putInt(offset + FLAGS, flags);
        bytes.putLong(offset + MAGIC, MAGIC_VALUE);
        bytes.putInt(offset + VERSION_AT, version);
        bytes.putInt(offset + TIME, time);
        bytes.putLong(offset + TRANSACTION_ID, transactionId);
        bytes.putLong(offset + HELD_ROOT, heldRoot);
        write(dataMap, bytes, offset + DATA_MAP);
        write(metadataMap, bytes, offset + METADATA_MAP);
        bytes.putLong(offset + MAPPING_ROOT, mappingRoot);
        bytes.putLong(offset + DETAILS_ROOT, detailsRoot);
        bytes.putInt(offset + DATA_BLOCK_SECTORS, dataBlockSectors);
        bytes.putInt(offset + METADATA_BLOCK_SECTORS, metadataBlockSectors);
        bytes.putLong(offset + METADATA_BLOCKS, metadataBlocksAtFormat);
        bytes.putInt(offset + COMPAT_RO_FLAGS, compatRoFlags);
        bytes.putInt(offset + INCOMPAT_FLAGS, incompatFlags);
    }

    private static void write(SpaceMapRoot map, ByteBuffer bytes, int offset) {
        bytes.putLong(offset, map.blocks());
        bytes.putLong(offset + 8, map.allocated());
        bytes.putLong(offset + 16, map.bitmapRoot());
        bytes.putLong(offset + 24, map.overflowRoot());
    }

    /** What this version does not know of the pool, though it can read it; null: it knows everything. */
    public String unknown() {
        if (Integer.compareUnsigned(version, VERSION) > 0) {
            return "is of version " + Integer.toUnsignedString(version);
        }
        return compatRoFlags == 0 ? null : "uses read-only compatible features 0x" + Integer.toHexString(compatRoFlags);
    }

    /**
     * Refuses what this version cannot even read.
     *
     * @param name of the device
     */
    void checkReadable(String name) throws UnknownFeatures {
        if (incompatFlags != 0) {
            throw new UnknownFeatures(name + " uses incompatible features 0x" + Integer.toHexString(incompatFlags)
                    + " that this version does not know; use a newer one");
        }
    }

    /**
     * Refuses to let the pool be changed, or another be made of it, where that would lose what is not known of it.
     *
     * @param name of the device
     */
    public void checkWritable(String name) throws UnknownFeatures {
        if (unknown() != null) {
            throw new UnknownFeatures(name + " " + unknown() + ", which this version can only read; use a newer one");
        }
    }

    public boolean needsCheck() {
        return (flags & NEEDS_CHECK) != 0;
    }
}

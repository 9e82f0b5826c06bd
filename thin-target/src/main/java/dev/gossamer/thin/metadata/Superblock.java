package dev.gossamer.thin.metadata;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.check.CheckRoots;
import dev.gossamer.pdata.spacemap.SpaceMapRoot;
import java.util.zip.CRC32C;

/**
 * Block 0 of the metadata device: the roots of everything. Also, as a copy elsewhere, a metadata snapshot.
 *
 * <pre>
 *  offset size
 *       0    4  checksum, CRC-32C salted with 160774
 *       4    4  flags               bit 0: needs check
 *       8    8  own block number
 *      16   16  uuid                zero
 *      32    8  magic               27022010
 *      40    4  version             2
 *      44    4  time                snapshots ever taken
 *      48    8  transaction id      the user's
 *      56    8  held root           block of the metadata snapshot, 0 = none
 *      64  128  data space map      32 bytes used
 *     192  128  metadata space map  32 bytes used
 *     320    8  mapping root
 *     328    8  details root
 *     336    4  data block size     in sectors
 *     340    4  metadata block size in sectors: 8
 *     344    8  metadata blocks     at the time of formatting
 *     352    4  compatible features
 *     356    4  read-only compatible features
 *     360    4  incompatible features
 *     384    8  "GOSSAMER"          where this program wrote last
 *     392    4  CRC-32C of bytes 32 to 363, as it wrote them
 *     396    4  1: the catalog, if there is one, is marked in its device's record
 *     400    4  which device that is, plus 1; -1: there is none, 0: not said
 * </pre>
 *
 * <p>All of it lies in the first sector, and nothing else of the block ever changes, so its write cannot be torn.
 */
public record Superblock(
        boolean needsCheck,
        int time,
        long transactionId,
        long heldRoot,
        SpaceMapRoot dataSpaceMap,
        SpaceMapRoot metadataSpaceMap,
        long mappingRoot,
        long detailsRoot,
        int dataBlockSectors,
        long metadataBlocksAtFormat) {

    /** Where it is. */
    public static final long LOCATION = 0;

    static final int SECTOR_BYTES = 512;
    static final int MIN_BLOCK_SECTORS = 128;
    static final int MAX_BLOCK_SECTORS = 1 << 21;

    private static final int FLAGS = 4;
    private static final int MAGIC = 32;
    private static final int VERSION = 40;
    private static final int TIME = 44;
    private static final int TRANSACTION_ID = 48;
    private static final int HELD_ROOT = 56;
    private static final int DATA_SPACE_MAP = 64;
    private static final int METADATA_SPACE_MAP = 192;
    private static final int SPACE_MAP_BYTES = 128;
    private static final int MAPPING_ROOT = 320;
    private static final int DETAILS_ROOT = 328;
    private static final int DATA_BLOCK_SECTORS = 336;
    private static final int METADATA_BLOCK_SECTORS = 340;
    private static final int METADATA_BLOCKS = 344;
    // Bytes that other programs leave as they are: "GOSSAMER", then a checksum of all that a commit changes.
    private static final int OWN_MARK = 384;
    private static final int OWN_CHECKSUM = 392;
    private static final int CATALOG_MARKED = 396;
    private static final int CATALOG_DEVICE = 400;
    private static final long OWN_MARK_VALUE = 0x5245_4D41_5353_4F47L;
    private static final int FIELDS = 32;
    private static final int FIELDS_END = 364;

    private static final int COMPAT_RO_FLAGS = 356;
    private static final int INCOMPAT_FLAGS = 360;

    private static final long MAGIC_VALUE = 27022010L;
    private static final int VERSION_VALUE = 2;
    private static final int METADATA_SECTORS = 8;
    private static final int NEEDS_CHECK = 1;

    /**
     * Reads the superblock of a pool.
     *
     * @param device names the device in messages
     */
    static Superblock load(BlockManager blocks, String device) throws StorageException {
        try {
            return read(blocks.read(LOCATION, BlockValidator.SUPERBLOCK), device);
        } catch (MetadataCorrupt e) {
            throw new StorageException(
                    Errno.EINVAL,
                    device + ": no intact pool superblock (" + e.getMessage()
                            + "); give the pool's metadata device, or run thin_check on this one",
                    e);
        }
    }

    /**
     * Decodes a block whose checksum and number have been checked.
     *
     * @param device names the device in messages
     * @throws StorageException if it is no superblock this program may write to
     */
    static Superblock read(MetadataBlock block, String device) throws StorageException {
        long magic = block.getLong(MAGIC);
        if (magic != MAGIC_VALUE) {
            throw new StorageException(
                    Errno.EINVAL,
                    device + ": not thin-pool metadata (magic " + magic + "); give the pool's metadata device");
        }
        int version = block.getInt(VERSION);
        if (version != VERSION_VALUE) {
            throw refuse(device, "version " + Integer.toUnsignedString(version));
        }
        int incompatible = block.getInt(INCOMPAT_FLAGS);
        if (incompatible != 0) {
            throw refuse(device, "incompatible features 0x" + Integer.toHexString(incompatible));
        }
        int readOnlyCompatible = block.getInt(COMPAT_RO_FLAGS);
        if (readOnlyCompatible != 0) {
            throw refuse(device, "read-only compatible features 0x" + Integer.toHexString(readOnlyCompatible));
        }
        int sectors = block.getInt(DATA_BLOCK_SECTORS);
        if (!isBlockSize(sectors)) {
            throw new StorageException(
                    Errno.EINVAL,
                    device + ": data block size of " + sectors + " sectors is no multiple of 128 up to 2097152; "
                            + "the superblock is damaged, run thin_check on it");
        }
        int metadataSectors = block.getInt(METADATA_BLOCK_SECTORS);
        if (metadataSectors != METADATA_SECTORS) {
            throw damaged(
                    device, "metadata blocks of " + Integer.toUnsignedString(metadataSectors) + " sectors, not 8");
        }
        int time = block.getInt(TIME);
        if (time < 0 || time >= Mapping.TIME_LIMIT) {
            throw damaged(
                    device, "a time of " + Integer.toUnsignedString(time) + ", where mappings have room for 2^24");
        }
        return new Superblock(
                (block.getInt(FLAGS) & NEEDS_CHECK) != 0,
                time,
                block.getLong(TRANSACTION_ID),
                block.getLong(HELD_ROOT),
                SpaceMapRoot.read(block, DATA_SPACE_MAP),
                SpaceMapRoot.read(block, METADATA_SPACE_MAP),
                block.getLong(MAPPING_ROOT),
                block.getLong(DETAILS_ROOT),
                sectors,
                block.getLong(METADATA_BLOCKS));
    }

    /**
     * Refuses roots that lie outside the metadata, whose size has been compared with the device's; but for the metadata
     * snapshot's, which is looked at by who {@linkplain #held reads} it.
     */
    void checkRoots(String device) throws StorageException {
        checkRoot(device, "mapping tree", mappingRoot);
        checkRoot(device, "details tree", detailsRoot);
        checkRoot(device, "data bitmaps", dataSpaceMap.bitmapRoot());
        checkRoot(device, "large data counts", dataSpaceMap.overflowRoot());
        checkRoot(device, "metadata bitmaps", metadataSpaceMap.bitmapRoot());
        checkRoot(device, "large metadata counts", metadataSpaceMap.overflowRoot());
    }

    /**
     * Where a check of all that this superblock leads to begins.
     *
     * @throws MetadataCorrupt if the metadata snapshot is damaged, and nothing else is known to be
     */
    CheckRoots checkRoots(BlockManager blocks, String device) throws StorageException {
        if (heldRoot == 0) {
            return checkRootsOfVolumes();
        }
        Superblock held = held(blocks, heldRoot, metadataSpaceMap.blocks(), device);
        return new CheckRoots(
                mappingRoot, detailsRoot, heldRoot, held.mappingRoot, held.detailsRoot, dataSpaceMap, metadataSpaceMap);
    }

    /** The same as if there were no metadata snapshot. */
    CheckRoots checkRootsOfVolumes() {
        return new CheckRoots(mappingRoot, detailsRoot, 0, 0, 0, dataSpaceMap, metadataSpaceMap);
    }

    /**
     * Reads the metadata snapshot's copy of a superblock.
     *
     * @param metadataBlocks how many there are
     * @throws MetadataCorrupt if there is none that could be
     */
    static Superblock held(BlockManager blocks, long heldRoot, long metadataBlocks, String device)
            throws StorageException {
        if (!isRoot(heldRoot, metadataBlocks)) {
            throw new MetadataCorrupt(
                    "it is said to be at metadata block " + Long.toUnsignedString(heldRoot) + " of " + metadataBlocks);
        }
        Superblock held;
        try {
            held = read(blocks.read(heldRoot, BlockValidator.SUPERBLOCK), device);
        } catch (StorageException e) {
            throw e.errno() == Errno.EINVAL ? new MetadataCorrupt(e.getMessage()) : e;
        }
        if (!isRoot(held.mappingRoot, metadataBlocks) || !isRoot(held.detailsRoot, metadataBlocks)) {
            throw new MetadataCorrupt("its trees are said to begin beyond the metadata");
        }
        return held;
    }

    private static boolean isRoot(long location, long metadataBlocks) {
        return location > 0 && location < metadataBlocks;
    }

    private void checkRoot(String device, String what, long location) throws StorageException {
        long blocks = metadataSpaceMap.blocks();
        if (!isRoot(location, blocks)) {
            throw damaged(
                    device,
                    what + " at metadata block " + Long.toUnsignedString(location) + " of "
                            + Long.toUnsignedString(blocks));
        }
    }

    private static StorageException damaged(String device, String what) {
        return new StorageException(
                Errno.EINVAL, device + ": the superblock is damaged: " + what + "; run thin_check on it");
    }

    /** The same after a check: nothing keeps the pool from being changed. */
    Superblock withoutNeedsCheck() {
        return new Superblock(
                false,
                time,
                transactionId,
                heldRoot,
                dataSpaceMap,
                metadataSpaceMap,
                mappingRoot,
                detailsRoot,
                dataBlockSectors,
                metadataBlocksAtFormat);
    }

    /**
     * Encodes into block 0. The fields that are not this program's (uuid, feature flags, padding) stay as they are.
     *
     * @param vouched nothing in the metadata comes from another program, or all of it has been looked through and is
     *     sound: else it is looked through again when the pool is opened next ({@link #isOwn})
     */
    void write(MetadataBlock block, boolean vouched) {
        block.putInt(FLAGS, (block.getInt(FLAGS) & ~NEEDS_CHECK) | (needsCheck ? NEEDS_CHECK : 0));
        block.putLong(MAGIC, MAGIC_VALUE);
        block.putInt(VERSION, VERSION_VALUE);
        block.putInt(TIME, time);
        block.putLong(TRANSACTION_ID, transactionId);
        block.putLong(HELD_ROOT, heldRoot);
        dataSpaceMap.write(block, DATA_SPACE_MAP);
        metadataSpaceMap.write(block, METADATA_SPACE_MAP);
        block.putLong(MAPPING_ROOT, mappingRoot);
        block.putLong(DETAILS_ROOT, detailsRoot);
        block.putInt(DATA_BLOCK_SECTORS, dataBlockSectors);
        block.putInt(METADATA_BLOCK_SECTORS, METADATA_SECTORS);
        block.putLong(METADATA_BLOCKS, metadataBlocksAtFormat);
        block.putLong(OWN_MARK, OWN_MARK_VALUE);
        block.putInt(OWN_CHECKSUM, vouched ? checksum(block) : ~checksum(block));
        block.putInt(CATALOG_MARKED, 1);
    }

    /**
     * Whether this program wrote the superblock last, and vouches for all that it leads to. It leaves a checksum of the
     * fields in bytes that nobody else uses or changes, so that another program's commit shows.
     */
    static boolean isOwn(MetadataBlock block) {
        return block.getLong(OWN_MARK) == OWN_MARK_VALUE && block.getInt(OWN_CHECKSUM) == checksum(block);
    }

    /** Whether a version has written it that made, and looked for, marked catalogs only; others leave that as it is. */
    static boolean isCatalogMarked(MetadataBlock block) {
        return block.getLong(OWN_MARK) == OWN_MARK_VALUE && block.getInt(CATALOG_MARKED) == 1;
    }

    /** Notes which device is the catalog, or {@link DeviceLife#NO_CATALOG}, in an encoded superblock. */
    static void writeCatalog(MetadataBlock block, int note) {
        block.putInt(CATALOG_DEVICE, note == DeviceLife.NO_CATALOG ? -1 : note == DeviceLife.NOT_SAID ? 0 : note + 1);
    }

    /** What {@link #writeCatalog} has noted; {@link DeviceLife#NOT_SAID} if it was never called. */
    static int readCatalog(MetadataBlock block) {
        int value = isCatalogMarked(block) ? block.getInt(CATALOG_DEVICE) : 0;
        if (value == -1) {
            return DeviceLife.NO_CATALOG;
        }
        return value > 0 && value <= DeviceDetails.MAX_DEVICES ? value - 1 : DeviceLife.NOT_SAID;
    }

    /** Whether this program has written it, last or earlier. */
    static boolean wasOwn(MetadataBlock block) {
        return block.getLong(OWN_MARK) == OWN_MARK_VALUE;
    }

    private static int checksum(MetadataBlock block) {
        byte[] fields = new byte[FIELDS_END - FIELDS];
        block.getBytes(FIELDS, fields);
        CRC32C crc = new CRC32C();
        crc.update(fields);
        return (int) crc.getValue();
    }

    /** A metadata snapshot has no space maps: nobody can allocate from it. */
    static void clearSpaceMaps(MetadataBlock block) {
        block.zero(DATA_SPACE_MAP, SPACE_MAP_BYTES);
        block.zero(METADATA_SPACE_MAP, SPACE_MAP_BYTES);
    }

    /** Sets or clears the needs-check flag in an encoded superblock and changes nothing else. */
    static void writeNeedsCheck(MetadataBlock block) {
        block.putInt(FLAGS, block.getInt(FLAGS) | NEEDS_CHECK);
    }

    /** Whether a pool can have data blocks of so many sectors: 64 KiB to 1 GiB in steps of 64 KiB. */
    public static boolean isBlockSize(int sectors) {
        return sectors >= MIN_BLOCK_SECTORS && sectors <= MAX_BLOCK_SECTORS && sectors % MIN_BLOCK_SECTORS == 0;
    }

    private static StorageException refuse(String device, String what) {
        return new StorageException(
                Errno.EINVAL, device + ": the pool uses " + what + " that this version does not know; use a newer one");
    }

    /** Whether a metadata device has no pool, and nothing else, in its first block (C-5). */
    static boolean isUnformatted(BlockingIo device) throws StorageException {
        IoBuffer buffer = device.loop().buffers().acquire(MetadataBlock.BYTES);
        try {
            device.read(0, buffer, 0, MetadataBlock.BYTES);
            for (int i = 0; i < MetadataBlock.BYTES; i += Long.BYTES) {
                if (buffer.bytes().getLong(i) != 0) {
                    return false;
                }
            }
            return true;
        } finally {
            buffer.release();
        }
    }
}

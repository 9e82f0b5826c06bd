package dev.gossamer.thin.metadata;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.NestedBTree;
import dev.gossamer.pdata.btree.ValueType;
import dev.gossamer.pdata.spacemap.DiskSpaceMap;
import dev.gossamer.pdata.spacemap.MetadataSpaceMap;
import dev.gossamer.pdata.tx.TransactionManager;

/** Makes an empty pool on a metadata device with nothing on it (C-5). Waits for its I/O. */
public final class PoolFormat {
    /**
     * A smaller device has no room for a pool's first transactions (dm refuses 16 KiB; this is twice what it needs).
     */
    private static final long MIN_METADATA_BLOCKS = 32;

    private PoolFormat() {}

    /**
     * See {@code ThinPool.format}.
     *
     * @param blockBytes size of a data block
     * @throws StorageException before anything is written, if a device is unfit
     */
    public static void format(BlockingIo device, BlockDevice data, int blockBytes) throws StorageException {
        String name = device.device().toString();
        int sectors = blockBytes / Superblock.SECTOR_BYTES;
        if (blockBytes % Superblock.SECTOR_BYTES != 0 || !Superblock.isBlockSize(sectors)) {
            throw new StorageException(
                    Errno.EINVAL, "block size " + blockBytes + " is not usable; use a multiple of 64k up to 1G");
        }
        long metadataBlocks = DeviceSizes.usableMetadataBlocks(device.device());
        if (metadataBlocks < MIN_METADATA_BLOCKS) {
            throw new StorageException(
                    Errno.EINVAL,
                    name + ": too small for metadata; give it at least "
                            + MIN_METADATA_BLOCKS * MetadataBlock.BYTES / 1024 + " KiB");
        }
        long dataBlocks = data.geometry().sizeBytes() / blockBytes;
        if (dataBlocks == 0) {
            throw new StorageException(
                    Errno.EINVAL,
                    data + ": too small for data; give it at least one block of " + blockBytes + " bytes");
        }
        if (!Superblock.isUnformatted(device)) {
            throw new StorageException(
                    Errno.EEXIST,
                    name
                            + ": there is something on it already; use 'gossamer pool adopt' for a pool, or "
                            + "zero its first "
                            + "4096 bytes to lose what it holds");
        }
        try (BlockManager blocks = new BlockManager(device, metadataBlocks, PoolMetadata.CACHE_BLOCKS)) {
            write(blocks, metadataBlocks, dataBlocks, sectors);
        }
    }

    private static void write(BlockManager blocks, long metadataBlocks, long dataBlocks, int dataBlockSectors)
            throws StorageException {
        TransactionManager transaction = new TransactionManager(blocks);
        MetadataSpaceMap metadataMap = MetadataSpaceMap.create(transaction, metadataBlocks);
        DiskSpaceMap dataMap = DiskSpaceMap.create(transaction);
        long mappingRoot = new NestedBTree(
                        transaction, new MappingValue(dataMap, () -> 0), BTree.ALL_KEYS, BTree.ALL_KEYS)
                .create();
        long detailsRoot = new BTree(transaction, ValueType.plain(DeviceDetails.BYTES)).create();
        dataMap.extend(dataBlocks);
        transaction.preCommit();
        // One superblock write makes the pool, so a format that is cut short leaves the device unformatted.
        MetadataBlock superblock = transaction.newSuperblock();
        new Superblock(
                        false,
                        0,
                        0,
                        0,
                        dataMap.root(),
                        metadataMap.root(),
                        mappingRoot,
                        detailsRoot,
                        dataBlockSectors,
                        metadataBlocks)
                .write(superblock, true);
        transaction.commit(superblock);
    }
}

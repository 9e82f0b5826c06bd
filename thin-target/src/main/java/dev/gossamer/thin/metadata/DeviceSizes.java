package dev.gossamer.thin.metadata;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.spacemap.MetadataSpaceMap;

/** Whether a pool's devices are as large as the pool knows them (rule C-4); larger ones are fine. */
final class DeviceSizes {
    private DeviceSizes() {}

    /** Blocks of a metadata device that can be used. */
    static long usableMetadataBlocks(BlockDevice device) {
        return Math.min(device.geometry().sizeBytes() / MetadataBlock.BYTES, MetadataSpaceMap.MAX_BLOCKS);
    }

    /** Refuses a metadata device that is too small; {@code present} = its blocks that can be used. */
    static void checkMetadata(String device, Superblock superblock, long present) throws StorageException {
        long known = superblock.metadataSpaceMap().blocks();
        if (Long.compareUnsigned(present, known) < 0) {
            throw new StorageException(
                    Errno.EINVAL,
                    device + ": too small: the pool has " + Long.toUnsignedString(known)
                            + " metadata blocks, the device " + present + "; give the whole device");
        }
    }

    /** Refuses a data device that is too small. */
    static void checkData(BlockDevice data, Superblock superblock) throws StorageException {
        long blockBytes = (long) superblock.dataBlockSectors() * Superblock.SECTOR_BYTES;
        long present = data.geometry().sizeBytes() / blockBytes;
        long known = superblock.dataSpaceMap().blocks();
        if (Long.compareUnsigned(present, known) < 0) {
            throw new StorageException(
                    Errno.EINVAL,
                    data + ": too small: the pool has " + Long.toUnsignedString(known) + " blocks of " + blockBytes
                            + " bytes, the device has room for " + present + "; give the pool's own data device");
        }
    }
}

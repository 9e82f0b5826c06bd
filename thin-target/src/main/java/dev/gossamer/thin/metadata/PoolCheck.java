package dev.gossamer.thin.metadata;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.check.CheckRoots;
import dev.gossamer.pdata.check.CheckScope;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.check.MetadataCheck;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.RegionReader;
import java.util.List;

/**
 * Checks the metadata of a pool that is not in use: recounts every reference of both space maps, also those of data
 * blocks, which {@code thin_check} 0.9 does not look at. Reads only.
 */
public final class PoolCheck {
    private static final int CACHE_BLOCKS = 64;
    private static final int SCAN_BUFFER_BYTES = 2 << 20;

    private PoolCheck() {}

    /** Reads in bulk, past any cache: with memory of its own, for the time it takes. */
    static <T> T scan(BlockingIo device, long deviceBlocks, Scan<T> scan) throws StorageException {
        try (IoBufferPool memory = new IoBufferPool(SCAN_BUFFER_BYTES);
                RegionReader feed = new RegionReader(
                        new BlockingIo(
                                device.device(), new InlineLoop(device.loop().files(), memory)),
                        deviceBlocks)) {
            return scan.scan(feed);
        }
    }

    /** What is done with everything. */
    interface Scan<T> {
        T scan(BlockFeed feed) throws StorageException;
    }

    static List<Damage> check(BlockFeed feed, CheckRoots roots) {
        return new MetadataCheck(feed, roots, CheckScope.ALL).check().damage();
    }

    /**
     * Everything that is wrong, worst first within what was found together; empty if the metadata is sound.
     *
     * @throws StorageException if there is no superblock to start from
     */
    public static List<Damage> check(BlockingIo device) throws StorageException {
        try (BlockManager blocks =
                new BlockManager(device, DeviceSizes.usableMetadataBlocks(device.device()), CACHE_BLOCKS)) {
            String name = device.device().toString();
            Superblock live = Superblock.read(blocks.read(Superblock.LOCATION, BlockValidator.SUPERBLOCK), name);
            DeviceSizes.checkMetadata(name, live, blocks.deviceBlocks());
            live.checkRoots(name);
            CheckRoots roots = live.checkRoots(blocks, name);
            return scan(device, blocks.deviceBlocks(), feed -> check(feed, roots));
        }
    }
}

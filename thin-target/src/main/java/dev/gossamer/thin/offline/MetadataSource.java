package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.check.CheckRoots;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.spacemap.MetadataSpaceMap;
import java.nio.ByteBuffer;

/**
 * A metadata device that is only read: its blocks, and the superblock that says where everything is.
 *
 * <p>The caller's thread; the feed is closed by whoever made it.
 */
public final class MetadataSource {
    public static final int BLOCK_BYTES = 4096;

    private static final int SECTOR_BYTES = 512;
    private static final int MIN_BLOCK_SECTORS = 128;
    private static final int MAX_BLOCK_SECTORS = 1 << 21;

    private final String name;
    private final BlockFeed feed;

    /** @param name names the device in messages */
    public MetadataSource(String name, BlockFeed feed) {
        this.name = name;
        this.feed = feed;
    }

    /** Metadata blocks of a device, as many as a pool can use. */
    public static long blocksOf(BlockingIo io) {
        return Math.min(io.device().sizeBytes() / BLOCK_BYTES, MetadataSpaceMap.MAX_BLOCKS);
    }

    public String name() {
        return name;
    }

    public BlockFeed feed() {
        return feed;
    }

    /**
     * The superblock, proved by its checksum and magic.
     *
     * @throws NoPool if there is none; the message says what the device seems to be
     */
    public PoolSuperblock superblock() throws NoPool {
        if (feed.blocks() == 0) {
            throw new NoPool(name + " " + foreign());
        }
        Found found = new Found(0);
        feed.feed(0, found);
        if (found.superblock == null && found.foreign != null) {
            throw new NoPool(name + " " + found.foreign);
        }
        if (found.superblock == null) {
            throw new NoPool(name + " is no intact thin-pool metadata: " + found.fault
                    + "; if it was a pool's, it may be found without: gossamer repair --list -i " + name);
        }
        found.superblock.checkReadable(name);
        return found.superblock;
    }

    /** What the device is, if it is known to be no metadata, as the end of a sentence; else null. */
    String foreign() {
        if (feed.blocks() == 0) {
            return "is too small for metadata: it has less than " + BLOCK_BYTES + " bytes";
        }
        Found found = new Found(0);
        feed.feed(0, found);
        return found.foreign;
    }

    /** The metadata snapshot's copy of the superblock at a block. */
    public PoolSuperblock held(long location) throws MetadataCorrupt {
        if (location <= 0 || location >= feed.blocks()) {
            throw new MetadataCorrupt("the metadata snapshot cannot be at metadata block "
                    + Long.toUnsignedString(location) + ": the device has " + feed.blocks());
        }
        Found found = new Found(location);
        feed.feed(location, found);
        if (found.superblock == null) {
            throw new MetadataCorrupt("the metadata snapshot at metadata block " + location + ": " + found.fault);
        }
        return found.superblock;
    }

    /**
     * Where a check begins.
     *
     * @param held the metadata snapshot's superblock; null: there is none, or it is unreadable
     */
    static CheckRoots checkRoots(PoolSuperblock live, PoolSuperblock held) {
        return new CheckRoots(
                live.mappingRoot(),
                live.detailsRoot(),
                live.heldRoot(),
                held == null ? 0 : held.mappingRoot(),
                held == null ? 0 : held.detailsRoot(),
                live.dataMap(),
                live.metadataMap());
    }

    /** Whether a pool can have data blocks of so many sectors: 64 KiB to 1 GiB in steps of 64 KiB. */
    public static boolean isBlockSize(int sectors) {
        return sectors >= MIN_BLOCK_SECTORS && sectors <= MAX_BLOCK_SECTORS && sectors % MIN_BLOCK_SECTORS == 0;
    }

    /** Bytes of a sector, the unit of block sizes. */
    public static int sectorBytes() {
        return SECTOR_BYTES;
    }

    private static final class Found implements BlockFeed.Visitor {
        private final BlockProof proof = new BlockProof();
        private final long wanted;
        PoolSuperblock superblock;
        String fault;
        /** What block 0 is instead; null: nothing is known of it. */
        String foreign;

        Found(long wanted) {
            this.wanted = wanted;
        }

        @Override
        public void block(long location, ByteBuffer bytes, int offset) {
            fault = proof.fault(bytes, offset, wanted, BlockValidator.SUPERBLOCK);
            if (fault == null && bytes.getLong(offset + PoolSuperblock.MAGIC) != PoolSuperblock.MAGIC_VALUE) {
                fault = "the magic number is that of something else";
            }
            if (fault == null) {
                superblock = PoolSuperblock.read(bytes, offset);
                return;
            }
            foreign = wanted == 0 ? ForeignMetadata.describe(bytes, offset) : null;
        }

        @Override
        public void unreadable(long location, String reason) {
            fault = reason;
        }
    }
}

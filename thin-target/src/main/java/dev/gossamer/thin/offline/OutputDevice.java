package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.build.LinearWriter;
import dev.gossamer.pdata.check.CheckResult;
import dev.gossamer.pdata.check.CheckScope;
import dev.gossamer.pdata.check.MetadataCheck;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.scan.RegionReader;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * Writes a new pool's metadata to a device in an order in which no run that ends early leaves a valid superblock
 * (OT-36): block 0 is zeroed and made stable, everything else is written, made stable, read back and checked, and then
 * block 0 is written. What is refused at its first word changes nothing.
 */
public final class OutputDevice {
    private static final long MAX_BLOCKS = 255L * 16320;

    /** What tells the builder about the pool. */
    public interface Source {
        void tell(PoolSink sink) throws IOException;
    }

    private final BlockingIo io;
    private final long blocks;
    private final Consumer<String> warnings;

    /** @param warnings told of what is odd about the pool, but kept */
    public OutputDevice(BlockingIo io, Consumer<String> warnings) {
        this.io = io;
        this.blocks = Math.min(io.device().sizeBytes() / MetadataSource.BLOCK_BYTES, MAX_BLOCKS);
        this.warnings = warnings;
    }

    /** Whether block 0 is a superblock that somebody may need. */
    public boolean hasSuperblock() throws StorageException {
        if (blocks == 0) {
            return false;
        }
        IoBuffer block = io.loop().buffers().acquire(MetadataSource.BLOCK_BYTES);
        try {
            io.read(0, block, 0, MetadataSource.BLOCK_BYTES);
            return new BlockProof().fault(block.bytes(), 0, 0, BlockValidator.SUPERBLOCK) == null;
        } finally {
            block.release();
        }
    }

    /**
     * Refuses a pool that may not fit, while the one that is there can still be lost.
     *
     * @param needed at most so many blocks, as {@link PoolSizing} says
     * @throws StorageException ENOSPC with the size that is certain to be enough; nothing is changed
     */
    public void checkRoom(long needed) throws StorageException {
        if (needed > blocks && hasSuperblock()) {
            throw new StorageException(
                    Errno.ENOSPC,
                    io.device() + " may be too small, and the pool on it would be lost: it has " + blocks
                            + " blocks of 4096 bytes, " + needed + " are certain to be enough (" + needed * 8
                            + " sectors)");
        }
    }

    /**
     * Writes a pool.
     *
     * @throws StorageException whatever ends it; ENOSPC if the device is too small, with the size that it needs
     */
    public void write(Source source) throws IOException {
        if (blocks < 1) {
            throw new StorageException(Errno.ENOSPC, io.device() + " has no room for a superblock");
        }
        PoolSuperblock superblock;
        try (LinearWriter out = new LinearWriter(io, blocks)) {
            PoolBuilder builder = new PoolBuilder(out, warnings);
            source.tell(PoolRules.before(new PassingSink(builder) {
                @Override
                public void beginPool(Pool pool) throws IOException {
                    putSuperblock(null); // what is no pool at all has been refused by now
                    super.beginPool(pool);
                }
            }));
            if (builder.neededBlocks() > blocks) {
                throw new StorageException(
                        Errno.ENOSPC,
                        io.device() + " is too small: it has " + blocks
                                + " blocks of 4096 bytes, the pool needs at least " + builder.neededBlocks() + " ("
                                + builder.neededBlocks() * 8 + " sectors)");
            }
            out.finish();
            superblock = builder.superblock();
        }
        checkWritten(superblock);
        putSuperblock(superblock);
    }

    private void checkWritten(PoolSuperblock superblock) throws StorageException {
        try (RegionReader feed = new RegionReader(io, blocks)) {
            CheckResult result =
                    new MetadataCheck(feed, MetadataSource.checkRoots(superblock, null), CheckScope.ALL).check();
            if (!result.damage().isEmpty()) {
                throw new StorageException(
                        Errno.EIO,
                        io.device() + " does not give back what was written to it: "
                                + result.damage().getFirst().text());
            }
        }
    }

    /** Null: zeros. Stable when this returns. */
    private void putSuperblock(PoolSuperblock superblock) throws StorageException {
        IoBuffer block = io.loop().buffers().acquire(MetadataSource.BLOCK_BYTES);
        try {
            block.zero(0, MetadataSource.BLOCK_BYTES);
            if (superblock != null) {
                superblock.write(block.bytes(), 0);
                new BlockProof().seal(block.bytes(), 0, 0, BlockValidator.SUPERBLOCK);
            }
            io.write(0, block, 0, MetadataSource.BLOCK_BYTES);
            io.flush();
        } finally {
            block.release();
        }
    }
}

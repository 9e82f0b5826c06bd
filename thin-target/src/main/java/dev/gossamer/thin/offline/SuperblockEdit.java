package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockProof;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/** Changes fields of an intact superblock where it is. */
final class SuperblockEdit {
    private static final int FLAGS = 4;
    private static final int NEEDS_CHECK = 1;

    private SuperblockEdit() {}

    /** Sets the flag that keeps a pool from being changed before it was checked, or takes it away. */
    static void needsCheck(BlockingIo device, boolean wanted) throws StorageException {
        apply(device, superblock -> {
            int others = superblock.getInt(FLAGS) & ~NEEDS_CHECK;
            superblock.putInt(FLAGS, wanted ? others | NEEDS_CHECK : others);
        });
    }

    /** Refuses a superblock that is damaged, or of which something is not known. */
    static void check(BlockingIo device) throws StorageException {
        IoBuffer block = device.loop().buffers().acquire(MetadataSource.BLOCK_BYTES);
        try {
            readChecked(device, block);
        } finally {
            block.release();
        }
    }

    private static void readChecked(BlockingIo device, IoBuffer block) throws StorageException {
        device.read(0, block, 0, MetadataSource.BLOCK_BYTES);
        String fault = new BlockProof().fault(block.bytes(), 0, 0, BlockValidator.SUPERBLOCK);
        if (fault != null) {
            throw new StorageException(Errno.EINVAL, device.device() + ": " + fault);
        }
        PoolSuperblock superblock = PoolSuperblock.read(block.bytes(), 0);
        superblock.checkReadable(device.device().toString());
        superblock.checkWritable(device.device().toString());
    }

    /** Stable when this returns. */
    static void apply(BlockingIo device, Consumer<ByteBuffer> change) throws StorageException {
        IoBuffer block = device.loop().buffers().acquire(MetadataSource.BLOCK_BYTES);
        try {
            readChecked(device, block);
            change.accept(block.bytes());
            new BlockProof().seal(block.bytes(), 0, 0, BlockValidator.SUPERBLOCK);
            device.write(0, block, 0, MetadataSource.BLOCK_BYTES);
            device.flush();
        } finally {
            block.release();
        }
    }
}

package dev.gossamer.pdata.build;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.scan.BlockProof;
import java.nio.ByteBuffer;

/**
 * Writes metadata blocks one behind the other, from block 1 on, a mebibyte at a time. Where the device ends it only
 * counts on, so that the caller can say how large it should have been. One thread; the buffer is the caller's until
 * {@link #close}.
 */
public final class LinearWriter implements AutoCloseable {
    private static final int BUFFER_BLOCKS = 256;

    private final BlockingIo io;
    private final long blocks;
    private final IoBuffer buffer;
    private final IoBuffer single;
    private final BlockProof proof = new BlockProof();
    private long firstInBuffer = 1;
    private int inBuffer;
    private boolean open;

    /** @param blocks of the device that may be used */
    public LinearWriter(BlockingIo io, long blocks) {
        this.io = io;
        this.blocks = blocks;
        buffer = io.loop().buffers().acquire(BUFFER_BLOCKS * MetadataBlock.BYTES);
        single = io.loop().buffers().acquire(MetadataBlock.BYTES);
    }

    /** Blocks that may be used, block 0 included. */
    public long blocks() {
        return blocks;
    }

    /** The block that is written next. */
    public long next() {
        return firstInBuffer + inBuffer;
    }

    /** Whether everything so far had room. */
    public boolean isInside() {
        return next() <= blocks;
    }

    /** Begins a block, all zero. @return where it begins in {@link #bytes} */
    public int begin() throws StorageException {
        if (open) {
            throw new AssertionError("a block has not been ended");
        }
        if (inBuffer == BUFFER_BLOCKS) {
            writeBuffer();
        }
        open = true;
        int offset = inBuffer * MetadataBlock.BYTES;
        buffer.zero(offset, MetadataBlock.BYTES);
        return offset;
    }

    public ByteBuffer bytes() {
        return buffer.bytes();
    }

    /** Ends the block that was begun. @return where it is on the device */
    public long end(BlockValidator kind) {
        open = false;
        long location = next();
        proof.seal(buffer.bytes(), inBuffer * MetadataBlock.BYTES, location, kind);
        inBuffer++;
        return location;
    }

    /** Reads a block back that was written here; valid until the next call. Beyond the device it is all zero. */
    public ByteBuffer read(long location) throws StorageException {
        if (location >= blocks) {
            single.zero(0, MetadataBlock.BYTES);
        } else if (location >= firstInBuffer) {
            single.copyFrom(0, buffer, (int) (location - firstInBuffer) * MetadataBlock.BYTES, MetadataBlock.BYTES);
        } else {
            io.read(location * MetadataBlock.BYTES, single, 0, MetadataBlock.BYTES);
        }
        return single.bytes();
    }

    private void writeBuffer() throws StorageException {
        long count = Math.min(inBuffer, blocks - firstInBuffer);
        if (count > 0) {
            io.write(firstInBuffer * MetadataBlock.BYTES, buffer, 0, (int) count * MetadataBlock.BYTES);
        }
        firstInBuffer += inBuffer;
        inBuffer = 0;
    }

    /** Writes what is in memory and makes everything stable. */
    public void finish() throws StorageException {
        writeBuffer();
        io.flush();
    }

    @Override
    public void close() {
        buffer.release();
        single.release();
    }
}

package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Writes the blocks of a pack to a device in an order in which no run that ends early leaves a valid superblock
 * (OT-36), not even the one that was there.
 */
public final class UnpackedDevice {
    private static final int BLOCK_BYTES = MetadataSource.BLOCK_BYTES;
    private static final int ZEROS_BYTES = 1 << 20;

    /** Hands out the blocks of a pack. */
    public interface Source {
        void read(PackReader.Blocks target) throws IOException;
    }

    private final BlockingIo io;
    private final long blocks;

    /** @param blocks of the device that was packed; this one has as many */
    public UnpackedDevice(BlockingIo io, long blocks) {
        this.io = io;
        this.blocks = blocks;
    }

    /**
     * Writes everything; stable when this returns.
     *
     * @param isZero whether the device is known to hold nothing else
     */
    public void write(Source source, boolean isZero) throws IOException {
        IoBuffer buffer = io.loop().buffers().acquire(ZEROS_BYTES);
        try {
            buffer.zero(0, ZEROS_BYTES);
            if (!isZero && blocks > 0) {
                zero(buffer);
            }
            ByteBuffer superblock = ByteBuffer.allocate(BLOCK_BYTES);
            source.read((location, bytes) -> {
                if (location == 0) {
                    superblock.put(bytes);
                } else {
                    put(location, bytes, buffer);
                }
            });
            io.flush();
            put(0, superblock.rewind(), buffer);
            io.flush();
        } finally {
            buffer.release();
        }
    }

    /** What the pack lacks must not be what was there before: a repair could take it for the pool's. */
    private void zero(IoBuffer zeros) throws StorageException {
        io.write(0, zeros, 0, BLOCK_BYTES);
        io.flush();
        long end = blocks * BLOCK_BYTES;
        for (long at = BLOCK_BYTES; at < end; at += ZEROS_BYTES) {
            io.write(at, zeros, 0, (int) Math.min(ZEROS_BYTES, end - at));
        }
        io.flush();
    }

    private void put(long location, ByteBuffer bytes, IoBuffer buffer) throws StorageException {
        buffer.bytes().put(0, bytes, bytes.position(), BLOCK_BYTES);
        io.write(location * BLOCK_BYTES, buffer, 0, BLOCK_BYTES);
    }
}

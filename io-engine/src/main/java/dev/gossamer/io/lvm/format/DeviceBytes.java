package dev.gossamer.io.lvm.format;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;

/** The bytes of a {@link dev.gossamer.io.BlockDevice}, for the thread whose {@link BlockingIo} it is. */
public final class DeviceBytes implements PvBytes {
    private static final int PIECE_BYTES = 256 << 10;

    private final BlockingIo io;

    public DeviceBytes(BlockingIo io) {
        this.io = io;
    }

    @Override
    public long sizeBytes() {
        return io.device().sizeBytes();
    }

    @Override
    public byte[] read(long offsetBytes, int lengthBytes) throws StorageException {
        byte[] bytes = new byte[lengthBytes];
        long alignment = io.device().geometry().alignmentBytes();
        IoBuffer buffer = io.loop().buffers().acquire(PIECE_BYTES);
        try {
            int done = 0;
            while (done < lengthBytes) {
                long from = (offsetBytes + done) & -alignment;
                int skip = (int) (offsetBytes + done - from);
                long wanted = Math.min((long) skip + lengthBytes - done, PIECE_BYTES);
                int length = (int) Math.min(PIECE_BYTES, wanted + alignment - 1 & -alignment);
                io.read(from, buffer, 0, length);
                int take = Math.min(length - skip, lengthBytes - done);
                buffer.bytes().get(skip, bytes, done, take);
                done += take;
            }
        } finally {
            buffer.release();
        }
        return bytes;
    }

    @Override
    public String toString() {
        return io.device().toString();
    }
}

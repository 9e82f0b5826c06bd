package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.TreeSet;

/**
 * A data device whose every sector says in which data block it lies, whatever is written: who reads through a volume
 * sees where it was led. Remembers the blocks that were written.
 */
final class StampDisk implements BlockDevice {
    private static final long STAMP = 0x5350_4D41_5453_0000L;

    private final long sizeBytes;
    private final int blockBytes;
    private final Set<Long> written = new TreeSet<>();

    StampDisk(long blocks, int blockBytes) {
        this.sizeBytes = blocks * blockBytes;
        this.blockBytes = blockBytes;
    }

    /** The data block that a sector was read from; -1 if it is zeros. */
    static long blockOf(byte[] sector) {
        long word = ByteBuffer.wrap(sector).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        return word == 0 ? -1 : word - STAMP;
    }

    /** Data blocks written since the last call. */
    Set<Long> takeWritten() {
        Set<Long> taken = new TreeSet<>(written);
        written.clear();
        return taken;
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(sizeBytes, 512, false, 4096);
    }

    @Override
    public boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        return false;
    }

    @Override
    public void submit(BlockRequest request) {
        request.loop().execute(() -> {
            long block = request.offsetBytes() / blockBytes;
            if (request.operation() == BlockOperation.READ) {
                for (int at = 0; at < request.lengthBytes(); at += 512) {
                    long its = (request.offsetBytes() + at) / blockBytes;
                    request.buffer().zero(request.bufferOffsetBytes() + at, 512);
                    request.buffer()
                            .bytes()
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(request.bufferOffsetBytes() + at, STAMP + its);
                }
            } else if (request.operation() == BlockOperation.WRITE) {
                written.add(block);
            }
            request.complete(Errno.OK);
        });
    }

    @Override
    public void close() {}
}

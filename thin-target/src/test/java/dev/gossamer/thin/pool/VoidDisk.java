package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimulatedDisk;

/**
 * A data disk of any size that keeps its first blocks only, where a new pool has its catalog: for tests of mappings by
 * the thousand. The rest reads as zeros, and says so.
 */
final class VoidDisk implements BlockDevice {
    /** One for the catalog's own slot, one for those of the lowest device ids. */
    static final int CATALOG_BLOCKS = 2;

    private final long sizeBytes;
    private final SimulatedDisk kept;

    VoidDisk(long sizeBytes) {
        this(sizeBytes, new SimulatedDisk(CATALOG_BLOCKS * SimPool.BLOCK));
    }

    private VoidDisk(long sizeBytes, SimulatedDisk kept) {
        this.sizeBytes = sizeBytes;
        this.kept = kept;
    }

    /** An independent disk that holds the same. */
    VoidDisk copy() {
        return new VoidDisk(sizeBytes, kept.copy(new PowerSupply()));
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(sizeBytes, 512, false, 4096);
    }

    @Override
    public boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        return offsetBytes >= kept.sizeBytes();
    }

    @Override
    public void submit(BlockRequest request) {
        if (request.operation() != BlockOperation.FLUSH
                && request.offsetBytes() + request.lengthBytes() <= kept.sizeBytes()) {
            kept.submit(request);
            return;
        }
        request.loop().execute(() -> {
            if (request.operation() == BlockOperation.READ) {
                request.buffer().zero(request.bufferOffsetBytes(), (int) request.lengthBytes());
            }
            request.complete(Errno.OK);
        });
    }

    @Override
    public void close() {}
}

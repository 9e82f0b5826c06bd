package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import java.io.IOException;
import java.util.Set;

/**
 * Carries out a {@link ShrinkPlan} (OT-41): copies into free blocks, makes that stable, and only then writes metadata
 * that say so, to another device. Whatever ends it, the pool is as it was.
 */
public final class OfflineShrink {
    private static final int BUFFER_BYTES = 1 << 20;

    private final ShrinkPlan plan;
    private final PoolSuperblock live;

    public OfflineShrink(ShrinkPlan plan, PoolSuperblock live) {
        this.plan = plan;
        this.live = live;
    }

    /**
     * Copies what moves. Stable when this returns.
     *
     * @throws StorageException EINVAL before anything is copied, if the device is shorter than the pool shall be
     */
    public void copy(BlockingIo data) throws StorageException {
        long blockBytes = (long) live.dataBlockSectors() * MetadataSource.sectorBytes();
        if (data.device().sizeBytes() / blockBytes < plan.blocks()) {
            throw new StorageException(
                    Errno.EINVAL,
                    data.device() + " has less than " + plan.blocks() + " blocks of " + blockBytes + " bytes");
        }
        IoBuffer buffer = data.loop().buffers().acquire(BUFFER_BYTES);
        try {
            for (ShrinkPlan.Move move : plan.moves()) {
                for (long done = 0; done < move.length() * blockBytes; done += BUFFER_BYTES) {
                    int length = (int) Math.min(BUFFER_BYTES, move.length() * blockBytes - done);
                    data.read(move.from() * blockBytes + done, buffer, 0, length);
                    data.write(move.to() * blockBytes + done, buffer, 0, length);
                }
            }
            data.flush();
        } finally {
            buffer.release();
        }
    }

    /** Tells a sink the pool as it is then. */
    public void tell(MetadataSource source, PoolSink.Pool pool, PoolSink sink) throws IOException {
        PoolDump.Choice all = new PoolDump.Choice(Set.of(), true, true, null);
        new PoolDump(source.feed(), new MovedPool(sink, plan), all).dump(pool, live.mappingRoot(), live.detailsRoot());
    }
}

package dev.gossamer.snapshot.store;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.worker.WorkerIo;
import java.util.List;

/** A store whose table is in memory only (type N): the snapshot ends with the process. Worker's thread. */
public final class TransientStore implements ExceptionStore {
    private final BlockDevice device;
    private final int chunkBytes;
    private Listener listener;
    private long nextFree;

    public TransientStore(BlockDevice device, int chunkBytes) {
        this.device = device;
        this.chunkBytes = chunkBytes;
    }

    @Override
    public void setListener(Listener newListener) {
        listener = newListener;
    }

    @Override
    public BlockDevice device() {
        return device;
    }

    @Override
    public int chunkBytes() {
        return chunkBytes;
    }

    @Override
    public long allocate() {
        return nextFree < totalBytes() / chunkBytes ? nextFree++ : NO_SPACE;
    }

    @Override
    public void giveBack(List<ChunkRemap> remaps) {
        nextFree = remaps.stream().mapToLong(ChunkRemap::newChunk).min().orElse(nextFree);
    }

    @Override
    public void commit(ChunkRemap remap) {
        listener.recorded(1);
    }

    @Override
    public void invalidate(WorkerIo.Done done) {
        done.done(Errno.OK);
    }

    @Override
    public long allocatedBytes() {
        return nextFree * chunkBytes;
    }

    @Override
    public long totalBytes() {
        return device.sizeBytes();
    }

    @Override
    public long metadataBytes() {
        return 0;
    }
}

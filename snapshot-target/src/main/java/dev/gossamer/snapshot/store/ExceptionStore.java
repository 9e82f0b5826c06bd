package dev.gossamer.snapshot.store;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.worker.WorkerIo;
import java.util.List;

/**
 * Where one snapshot keeps old and new contents of chunks, and which chunk is where. Worker's thread.
 *
 * <p>A chunk passes through {@link #allocate}, then its owner fills it, then {@link #commit}. Commits come in the order
 * of allocation (rule S-I2): see {@link PersistentStore} for what a crash would leave behind otherwise.
 */
public sealed interface ExceptionStore permits PersistentStore, TransientStore {
    /** Answer of {@link #allocate} when there is no chunk left. */
    long NO_SPACE = -1;

    /** Hears what has become of commits. */
    interface Listener {
        /** The oldest {@code count} commits that were not told yet are as durable as the store can make them. */
        void recorded(int count);

        /** The device has no room for the records of the latest {@code count} commits: they are not made. */
        void full(int count);

        /** Records that were not made, and may be there all the same, are cleared, or could not be: an errno. */
        void settled(int errno);

        /** Records could not be written: nothing that was not told {@link #recorded} can be relied on. */
        void failed(String cause);
    }

    void setListener(Listener listener);

    BlockDevice device();

    int chunkBytes();

    /** The next chunk for data, or {@link #NO_SPACE}. The store may have grown since the last call. */
    long allocate();

    /**
     * The latest chunks that were given out and are not recorded will not be: nobody writes to them any more, and they
     * are given out again.
     */
    void giveBack(List<ChunkRemap> remaps);

    /** The chunk is filled: records it, in the order of allocation. */
    void commit(ChunkRemap remap);

    /** Marks the store as dead for ever (rule S-V2) and tells when that is durable, or cannot be made so. */
    void invalidate(WorkerIo.Done done);

    /** In use, tables included. */
    long allocatedBytes();

    /** Size of the store's device at this moment. */
    long totalBytes();

    /** In use for tables. */
    long metadataBytes();
}

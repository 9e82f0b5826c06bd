package dev.gossamer.thin.offline;

import java.io.IOException;

/**
 * Takes a pool's metadata in the order of its XML: the pool, runs of mappings that devices share, the devices, the end.
 * Writers of text take it, and what builds metadata anew. Numbers are without sign.
 */
public interface PoolSink {
    /**
     * The pool.
     *
     * @param dataBlockSectors size of a data block
     */
    record Pool(
            long time, long transactionId, boolean needsCheck, long version, long dataBlockSectors, long dataBlocks) {}

    /**
     * A device.
     *
     * @param mappedBlocks what its details say
     */
    record Device(long id, long mappedBlocks, long transactionId, long creationTime, long snapshottedTime) {}

    void beginPool(Pool pool) throws IOException;

    /** What follows until {@link #endShared} is not a device's: it stands where {@link #shared} names it. */
    void beginShared(long name) throws IOException;

    void endShared() throws IOException;

    void beginDevice(Device device) throws IOException;

    void endDevice() throws IOException;

    /** Blocks next to each other, on both sides, of one time. At least one; keys ascend within a device. */
    void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException;

    /** A run of mappings that was given before belongs here. */
    void shared(long name) throws IOException;

    void endPool() throws IOException;
}

package dev.gossamer.snapshot.store;

/**
 * Where things are in a persistent store, in chunks (rule S-L2). With E = chunk bytes / 16 records per area:
 *
 * <pre>
 *  chunk  0        1        2 ... E+1      E+2      E+3 ... 2E+2    2E+3
 *       +--------+--------+--------------+--------+---------------+-----
 *       | header | area 0 | E data chunks| area 1 | E data chunks | ...
 *       +--------+--------+--------------+--------+---------------+-----
 *
 *  record i of an area, at byte 16*i:
 *       +-----------------------+-----------------------+
 *       | old chunk (u64)       | new chunk (u64)       |   new chunk 0 ends the table; old chunk 0 is valid
 *       +-----------------------+-----------------------+
 * </pre>
 */
final class StoreLayout {
    static final int RECORD_BYTES = 16;
    static final int OLD_CHUNK_AT = 0;
    static final int NEW_CHUNK_AT = 8;

    /** Chunk numbers stay below this: the kernel keeps a run length in the bits above. */
    static final long MAX_CHUNK = 1L << 56;

    final int chunkBytes;
    final int recordsPerArea;

    StoreLayout(int chunkBytes) {
        this.chunkBytes = chunkBytes;
        this.recordsPerArea = chunkBytes / RECORD_BYTES;
    }

    /** The chunk that holds an area's records. */
    long areaChunk(long area) {
        return 1 + area * (recordsPerArea + 1L);
    }

    boolean isMetadata(long chunk) {
        return chunk == 0 || (chunk - 1) % (recordsPerArea + 1L) == 0;
    }

    /** The chunk itself, or the one after it if it holds records. */
    long dataChunkFrom(long chunk) {
        return isMetadata(chunk) ? chunk + 1 : chunk;
    }
}

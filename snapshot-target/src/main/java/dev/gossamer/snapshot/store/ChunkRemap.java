package dev.gossamer.snapshot.store;

/**
 * The contents of chunk {@code oldChunk} of the snapshot are in chunk {@code newChunk} of its store: what device-mapper
 * calls an exception.
 */
public record ChunkRemap(long oldChunk, long newChunk) {
    /** So many chunks a snapshot may have: 1 PiB of 4 KiB each, whose look-up table begins with some MiB. */
    public static final long MAX_CHUNKS = 1L << 38;
}

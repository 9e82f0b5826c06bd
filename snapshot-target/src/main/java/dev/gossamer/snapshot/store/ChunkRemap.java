package dev.gossamer.snapshot.store;

/**
 * The contents of chunk {@code oldChunk} of the snapshot are in chunk {@code newChunk} of its store: what device-mapper
 * calls an exception.
 */
public record ChunkRemap(long oldChunk, long newChunk) {}

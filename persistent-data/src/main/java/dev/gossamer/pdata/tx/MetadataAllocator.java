package dev.gossamer.pdata.tx;

import dev.gossamer.io.StorageException;

/**
 * What a transaction needs of the metadata space map. Only the space map implements it; it stands here so that the
 * space map can be built from transactions, and not the other way round as well.
 */
public interface MetadataAllocator extends CommitParticipant {
    /** A block that neither the committed nor the running state uses, now with count 1. */
    long allocate() throws StorageException;

    void increment(long block) throws StorageException;

    void decrement(long block) throws StorageException;

    /** References to the block, updates still waiting to be applied included. */
    long count(long block) throws StorageException;

    /** References to the block as the last commit has them. */
    long committedCount(long block) throws StorageException;
}

package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.StorageException;

/**
 * One reference count per block of a device, and allocation.
 *
 * <p>The rule that everything rests on: a block that the last commit uses is never allocated, even if it has been freed
 * since. A crash leads back to that commit. So "free" here always means free now.
 */
public interface SpaceMap {
    /** How many blocks are counted. */
    long blocks();

    /** How many blocks have a count other than 0. After opening, a hint until the bitmaps have been looked at. */
    long allocated();

    /**
     * How many blocks can be allocated now: count 0, and in use neither in the committed state nor by held-back frees.
     */
    long free();

    /** References to a block. */
    long count(long block) throws StorageException;

    /** References to a block as the last commit has them: what a crash now would lead back to. */
    long committedCount(long block) throws StorageException;

    /** Whether a block has more than one reference. */
    default boolean isShared(long block) throws StorageException {
        return count(block) > 1;
    }

    void increment(long block) throws StorageException;

    /**
     * Drops one reference; with the last one the block is free.
     *
     * @throws dev.gossamer.pdata.MetadataCorrupt if the count is 0: there is no count below zero
     */
    void decrement(long block) throws StorageException;

    /**
     * Sets a wrong count right, by how much it is wrong. One step however much that is: damage can make it 2^32.
     *
     * @throws dev.gossamer.pdata.MetadataCorrupt if the count would be below zero, or more than a count can be
     */
    void adjust(long block, int difference) throws StorageException;

    /**
     * Takes a free block and gives it count 1. Looks from where it last found one upwards, then from the start.
     *
     * @throws dev.gossamer.pdata.OutOfDataSpace or OutOfMetadataSpace if no block is free now
     */
    long allocate() throws StorageException;

    /** Counts more blocks. There is no shrinking. */
    void extend(long newBlocks) throws StorageException;

    /** What to store in the superblock; final between the two phases of a commit. */
    SpaceMapRoot root();
}

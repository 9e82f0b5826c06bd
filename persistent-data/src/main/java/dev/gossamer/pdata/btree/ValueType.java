package dev.gossamer.pdata.btree;

import dev.gossamer.io.StorageException;

/**
 * What the leaves of a tree hold, and what it means that one more or one less leaf holds it.
 *
 * <p>Values are passed as 64-bit words, first word first; a value of 4 bytes is one word below 2^32. The arrays belong
 * to the caller and are valid during the call only.
 */
public interface ValueType {
    /** Size in a leaf: 4, or a multiple of 8 up to 24. */
    int sizeBytes();

    /**
     * Looks at a value that was read from the device, before anything is done on the strength of it.
     *
     * @throws StorageException if there can be no such value: it refers to what does not exist
     */
    default void check(long[] value) throws StorageException {}

    /** A leaf that holds the value was cloned. */
    default void increment(long[] value) throws StorageException {}

    /** The value was removed, replaced by one that is not {@link #isEqual}, or its last leaf was deleted. */
    default void decrement(long[] value) throws StorageException {}

    /** Whether replacing one by the other leaves all counts as they are. */
    default boolean isEqual(long[] before, long[] after) {
        return false;
    }

    /** Values that refer to nothing. */
    static ValueType plain(int sizeBytes) {
        return () -> sizeBytes;
    }
}

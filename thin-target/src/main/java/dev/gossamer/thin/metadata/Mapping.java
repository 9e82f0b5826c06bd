package dev.gossamer.thin.metadata;

import dev.gossamer.io.Invariant;

/**
 * A mapping as the tree stores it: the data block and the pool's time when it was made, packed into one long.
 *
 * <pre>
 *  63                                    24 23                     0
 * +----------------------------------------+------------------------+
 * |           data block (40 bits)         |     time (24 bits)     |
 * +----------------------------------------+------------------------+
 * </pre>
 */
public final class Mapping {
    /** In place of one: the block is not mapped. None packs to it, as data blocks stay below 2^40 - 1. */
    public static final long NONE = -1;

    /** First time that does not fit; the snapshot that would need it is refused. */
    public static final int TIME_LIMIT = 1 << 24;

    /** First data block number that does not fit. */
    public static final long DATA_BLOCK_LIMIT = 1L << 40;

    private static final int TIME_BITS = 24;

    private Mapping() {}

    /** Both fit: a bit too many of one would be the other's. */
    public static long pack(long dataBlock, int time) {
        Invariant.check(time >= 0 && time < TIME_LIMIT, "a time that no mapping can hold");
        Invariant.check(dataBlock >= 0 && dataBlock < DATA_BLOCK_LIMIT, "a data block that no mapping can hold");
        return dataBlock << TIME_BITS | time;
    }

    public static long dataBlock(long packed) {
        return packed >>> TIME_BITS;
    }

    public static int time(long packed) {
        return (int) (packed & (TIME_LIMIT - 1));
    }
}

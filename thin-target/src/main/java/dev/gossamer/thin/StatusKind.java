package dev.gossamer.thin;

/** A question about the mappings of a volume, and what the flags of the answer mean (NBD T41, M5 to M7, M12). */
public enum StatusKind {
    /**
     * NBD's base:allocation: {@link #HOLE} and {@link #ZERO} where nothing is mapped and no external origin reaches,
     * else 0.
     */
    ALLOCATION,
    /**
     * In QEMU's words: 0 where nothing is mapped, 1 for a private block, 2 for a {@linkplain #SHARED shared} one and
     * where an external origin shows through.
     */
    DEPTH,
    /** {@link #IS_SHARED} where another volume has the same data block, so that a write needs a new one; else 0. */
    SHARED,
    /**
     * {@link #IS_CHANGED} where the data block is not the one that the base has, or only one of the two has any; else
     * 0.
     */
    CHANGED_SINCE;

    /** Nothing is allocated: a write needs space. */
    public static final int HOLE = 1;

    /** Reads as zeros. */
    public static final int ZERO = 2;

    public static final int IS_SHARED = 1;

    public static final int IS_CHANGED = 1;

    public static final int DEPTH_UNMAPPED = 0;
    public static final int DEPTH_PRIVATE = 1;
    public static final int DEPTH_SHARED = 2;
}

package dev.gossamer.thin.metadata;

/**
 * How many blocks a device has mapped since it last took part in a snapshot, a rollback or a clone: mappings whose time
 * is its snapshotted time or later (rule AC-1). They are written in place, and no other device has them.
 *
 * <p>Nothing of this is stored. When a pool is opened the blocks are counted, from the first virtual block upwards,
 * while others change them: what lies below the place that the count has come to is always right, and so is the whole
 * once it has come to the end. Worker's thread.
 */
public final class OwnBlocks {
    /** They have not been counted, or not to the end. */
    public static final long UNKNOWN = -1;

    private static final long END = Long.MAX_VALUE;

    private long blocks;
    // Virtual blocks below this one are counted.
    private long counted;
    private Runnable listener = () -> {};
    // For whoever only looks.
    private volatile long known = UNKNOWN;

    /** Who hears of each change; one. */
    public void tell(Runnable itsListener) {
        listener = itsListener;
    }

    /** Whether {@link #atLeast} is exact. */
    public boolean isKnown() {
        return counted == END;
    }

    /** Blocks found until now. */
    public long atLeast() {
        return blocks;
    }

    /** How many there are, or {@link #UNKNOWN}. Any thread. */
    public long known() {
        return known;
    }

    /** Where counting goes on. */
    long position() {
        return counted;
    }

    /** Nothing is known any more. */
    void forget() {
        set(0, 0);
    }

    /** It is known that there are so many. */
    void are(long number) {
        set(number, END);
    }

    /** The count has come to a virtual block, exclusive, and has found so many on the way. */
    void found(long number, long below) {
        set(blocks + number, below);
    }

    /** The count has come to the end. */
    void complete() {
        set(blocks, END);
    }

    /** A mapping of now has come. */
    void inserted(long virtualBlock, boolean replacesOwn) {
        if (virtualBlock < counted && !replacesOwn) {
            set(blocks + 1, counted);
        }
    }

    /** So many that had been counted have gone. */
    void removed(long number) {
        if (number > 0) {
            set(blocks - number, counted);
        }
    }

    private void set(long number, long below) {
        blocks = number;
        counted = below;
        known = below == END ? number : UNKNOWN;
        listener.run();
    }
}

package dev.gossamer.thin.device;

/**
 * Data blocks that a pool's volumes hold back from each other: what each has reserved and not taken yet (rule S-6).
 * Kept as a sum, so that giving out a block costs the same whatever the number of volumes. Worker's thread.
 */
public final class ReservedSpace {
    private long blocks;

    /** The sum over all volumes of the pool. */
    public long blocks() {
        return blocks;
    }

    /** What one volume holds back has changed by so much. */
    void change(long difference) {
        blocks += difference;
    }
}

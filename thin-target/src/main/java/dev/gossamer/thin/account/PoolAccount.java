package dev.gossamer.thin.account;

/**
 * Sums over all volumes of a pool: what they have been promised and have not got yet, and how large they say they are.
 * Each volume's part is a {@link VolumeAccount}, which keeps the sums right. In data blocks. Worker's thread.
 */
public final class PoolAccount {
    private long needed;
    private int uncounted;
    private double writable;
    private Runnable whenCounted = () -> {};

    /** Who hears that what volumes need has become known, each time; not to change anything at once. */
    public void whenCounted(Runnable listener) {
        whenCounted = listener;
    }

    /** Blocks that must be found for volumes, whoever else writes: the sum of what each {@link VolumeAccount} needs. */
    public long neededBlocks() {
        return needed;
    }

    /** Whether some volumes may need less than is held for them: their own blocks are still being counted. */
    public boolean isCounting() {
        return uncounted > 0;
    }

    /** Sizes of all volumes that can be written; a sum of 10 000 volumes of 64 PiB is beyond a long in bytes. */
    public double writableBytes() {
        return writable;
    }

    void change(long neededMore, int uncountedMore) {
        needed += neededMore;
        uncounted += uncountedMore;
        if (uncountedMore < 0 && uncounted == 0) {
            whenCounted.run();
        }
    }

    void changeWritable(double bytesMore) {
        writable += bytesMore;
    }
}

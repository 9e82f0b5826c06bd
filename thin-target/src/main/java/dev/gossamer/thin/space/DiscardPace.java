package dev.gossamer.thin.space;

/**
 * How much is discarded at once, and when next, so that nobody hears it (rule DI-12).
 *
 * <p>A hole punched into a file keeps everybody else out of the whole file until it is done: all reads and writes of
 * the pool wait, and on a file system that discards as it frees, each piece of disk behind the hole takes about a
 * millisecond. Four holes of 64 MiB under way stopped a pool for seconds. So there is one discard at a time, its length
 * follows from how long the last ones took, and after some milliseconds of work there is a pause as long as that work.
 *
 * <p>Knows no device and no clock: told how long, tells how much. Worker's thread.
 */
final class DiscardPace {
    /** What one discard may take. Reads wait that long, and a disk that seeks needs as much for one of them. */
    static final long TARGET_NANOS = 4_000_000;

    /**
     * No discard is longer, however fast the last ones were: 2 MiB of the usual blocks. Nothing tells how many pieces
     * of disk lie behind the next, and so many of them stay below what a client notices.
     */
    static final int MAX_BLOCKS = 32;

    /** Discards that took less than this together are followed by the next at once; a timer would cost more. */
    private static final long WORK_NANOS = 2_000_000;

    /** After a discard that took very long there is more wrong with the disk than a pause would mend. */
    private static final long MAX_PAUSE_NANOS = 100_000_000;

    private int blocks = 1;
    private long workedNanos;

    /** The most that the next discard may cover. */
    int blocks() {
        return blocks;
    }

    /**
     * A discard has ended, however it did.
     *
     * @param covered its blocks
     * @return how long to wait before the next, in nanoseconds
     */
    long ended(int covered, long nanos) {
        long took = Math.max(0, nanos);
        if (took > TARGET_NANOS) {
            blocks = Math.clamp((long) ((double) TARGET_NANOS / took * covered), 1, blocks);
        } else if (took < TARGET_NANOS / 2 && covered == blocks) {
            blocks = Math.min(2 * blocks, MAX_BLOCKS);
        }
        workedNanos += took;
        if (workedNanos < WORK_NANOS) {
            return 0;
        }
        long pause = Math.min(workedNanos, MAX_PAUSE_NANOS);
        workedNanos = 0;
        return pause;
    }
}

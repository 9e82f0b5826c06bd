package dev.gossamer.it.sim.world;

import java.util.SplittableRandom;

/**
 * How one connection behaves.
 *
 * @param chopBytes pieces are at most so long; 0: as they are
 * @param meanDelayNanos of each piece
 */
public record NetMood(int chopBytes, long meanDelayNanos) {
    /** A good line. */
    public static final NetMood QUIET = new NetMood(0, 20_000);

    /** Length of the next piece at most: short ones come in runs, so that long data gets through all the same. */
    int piece(SplittableRandom random) {
        return chopBytes == 0 || random.nextInt(3) == 0 ? Integer.MAX_VALUE : 1 + random.nextInt(chopBytes);
    }

    /** The same with pieces of any length. */
    public NetMood unchopped() {
        return new NetMood(0, meanDelayNanos);
    }

    long delayNanos(SplittableRandom random) {
        return random.nextInt(50) == 0 ? random.nextLong(40 * meanDelayNanos) : random.nextLong(2 * meanDelayNanos) + 1;
    }
}

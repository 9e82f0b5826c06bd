package dev.gossamer.io.sim;

import java.util.Random;
import java.util.SplittableRandom;

/**
 * Where all tests of all modules have their chance from. A test tells stories by numbers of its own (1, 2, 3); the seed
 * of the run, the property {@value #PROPERTY}, turns each of them into another story. It is 0 unless it is given, so a
 * run is the same each time; with another number the same tests look elsewhere. Equal numbers and equal seeds of the
 * run give equal stories, so the test's name and the seed of the run are all that it takes to replay a failure, and
 * {@link ReplayCommand} prints them.
 */
public final class Seeds {
    /** The one property that a random test knows. */
    public static final String PROPERTY = "gossamer.test.seed";

    /** Odd, so that no two runs meet; its bits lie far apart, so that small numbers do not run into each other. */
    private static final long BETWEEN_RUNS = 0x9E37_79B9_7F4A_7C15L;

    private static final long RUN = Long.getLong(PROPERTY, 0);

    private static volatile boolean drawn;

    private Seeds() {}

    /** The story's number in this run: {@code own} itself where no seed of the run is given. */
    public static long of(long own) {
        drawn = true;
        return own + RUN * BETWEEN_RUNS;
    }

    /** The usual source of random numbers. */
    public static SplittableRandom splittable(long own) {
        return new SplittableRandom(of(own));
    }

    /** For what wants a {@link Random}. */
    public static Random random(long own) {
        return new Random(of(own));
    }

    static long run() {
        return RUN;
    }

    /** Whether anything has been drawn since the last {@link #forget}. */
    static boolean wereDrawn() {
        return drawn;
    }

    static void forget() {
        drawn = false;
    }
}

package dev.gossamer.it.sim.world;

import dev.gossamer.io.sim.Seeds;
import java.util.SplittableRandom;

/** Chance by name: what one party draws leaves the others' draws as they are. */
public final class Streams {
    private static final long ODD = 0x9E37_79B9_7F4A_7C15L;

    private final long seed;

    public Streams(long seed) {
        this.seed = seed;
    }

    /** The same stream each time it is asked for, from its beginning. */
    public SplittableRandom of(String name) {
        long mixed = seed * ODD;
        for (int i = 0; i < name.length(); i++) {
            mixed = (mixed ^ name.charAt(i)) * 0xBF58_476D_1CE4_E5B9L;
            mixed ^= mixed >>> 29;
        }
        return Seeds.splittable(mixed);
    }

    /** From {@code low} to {@code high}, each order of magnitude as likely as the next. */
    public static long logUniform(SplittableRandom random, long low, long high) {
        return (long) (low * Math.pow((double) high / low, random.nextDouble()));
    }
}

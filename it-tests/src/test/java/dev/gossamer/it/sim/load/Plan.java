package dev.gossamer.it.sim.load;

import dev.gossamer.it.sim.world.Streams;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** What users do in one story, in order. */
@SuppressWarnings("EnumOrdinal") // the first kinds are in every plan
public final class Plan {
    private final List<Op> ops;
    private final int users;
    private final int depth;

    private Plan(List<Op> ops, int users, int depth) {
        this.ops = List.copyOf(ops);
        this.users = users;
        this.depth = depth;
    }

    /** Some kinds are left out in each seed, so that the others meet more often. */
    public static Plan of(Streams streams, int operations) {
        SplittableRandom random = streams.of("plan");
        Map<Op.Kind, Integer> weights = new EnumMap<>(Op.Kind.class);
        int sum = 0;
        for (Op.Kind kind : Op.Kind.values()) {
            boolean left = kind.ordinal() > Op.Kind.FLUSH.ordinal() && random.nextInt(5) == 0;
            int weight = left ? 0 : kind.weight * (1 + (random.nextInt(4) == 0 ? random.nextInt(6) : 0));
            weights.put(kind, weight);
            sum += weight;
        }
        long gap = Streams.logUniform(random, 1_000, 2_000_000);
        List<Op> ops = new ArrayList<>();
        for (int i = 0; i < operations; i++) {
            int drawn = random.nextInt(sum);
            Op.Kind kind = Op.Kind.WRITE;
            for (Op.Kind each : Op.Kind.values()) {
                drawn -= weights.get(each);
                if (drawn < 0) {
                    kind = each;
                    break;
                }
            }
            long wait = random.nextInt(60) == 0 ? random.nextLong(1_500_000_000L) : random.nextLong(2 * gap);
            ops.add(new Op(i, kind, bits(random), bits(random), bits(random), bits(random), bits(random), wait));
        }
        return new Plan(ops, 1 + random.nextInt(6), (int) Streams.logUniform(random, 1, 33));
    }

    private static int bits(SplittableRandom random) {
        return random.nextInt(Integer.MAX_VALUE);
    }

    /** The same without some of its operations. */
    public Plan keeping(List<Op> kept) {
        return new Plan(kept, users, depth);
    }

    public List<Op> ops() {
        return ops;
    }

    public int users() {
        return users;
    }

    /** Commands that a connection has under way. */
    public int depth() {
        return depth;
    }
}

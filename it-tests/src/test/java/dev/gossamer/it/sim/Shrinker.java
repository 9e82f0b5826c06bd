package dev.gossamer.it.sim;

import dev.gossamer.it.sim.faults.Swarm;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.load.Op;
import dev.gossamer.it.sim.world.Trace;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/** Makes a failing story smaller: fewer kinds of faults, fewer operations, as long as the same promise is broken. */
final class Shrinker {
    private static final int RUNS_MAX = 500;

    private final Oracle oracle;
    private int runs;

    private Shrinker(Oracle oracle) {
        this.oracle = oracle;
    }

    static Seed shrink(Seed seed, Oracle oracle) {
        Shrinker shrinker = new Shrinker(oracle);
        return shrinker.fewerOperations(shrinker.fewerFaults(seed));
    }

    private boolean stillFails(Seed seed) {
        runs++;
        Verdict verdict = seed.tell(new Trace(false));
        return !verdict.isGood() && verdict.violation().oracle() == oracle;
    }

    private Seed fewerFaults(Seed seed) {
        Seed smallest = seed;
        for (Swarm.Kind kind : seed.swarm().kinds()) {
            EnumSet<Swarm.Kind> off = EnumSet.copyOf(smallest.off());
            off.add(kind);
            Seed smaller = new Seed(seed.number(), seed.operations(), smallest.kept(), off);
            if (stillFails(smaller)) {
                smallest = smaller;
            }
        }
        return smallest;
    }

    /** Delta debugging: takes out pieces, first large ones, then smaller ones. */
    private Seed fewerOperations(Seed seed) {
        List<Integer> kept =
                new ArrayList<>(seed.plan().ops().stream().map(Op::index).toList());
        Seed smallest = seed;
        for (int piece = Math.max(1, kept.size() / 2); piece > 0; piece /= 2) {
            for (int from = kept.size() - piece; from >= 0 && runs < RUNS_MAX; from -= piece) {
                List<Integer> fewer = new ArrayList<>(kept.subList(0, from));
                fewer.addAll(kept.subList(from + piece, kept.size()));
                Seed smaller = new Seed(seed.number(), seed.operations(), fewer, smallest.off());
                if (stillFails(smaller)) {
                    kept = fewer;
                    smallest = smaller;
                }
                from = Math.min(from, kept.size());
            }
        }
        return smallest;
    }
}

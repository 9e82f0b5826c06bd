package dev.gossamer.it.sim;

import dev.gossamer.it.sim.faults.Swarm;
import dev.gossamer.it.sim.load.Op;
import dev.gossamer.it.sim.load.Plan;
import dev.gossamer.it.sim.world.Streams;
import dev.gossamer.it.sim.world.Trace;
import java.util.EnumSet;
import java.util.List;

/**
 * What a story needs to be told again: the seed, how many operations its plan has, and what of plan and faults was left
 * out to make it smaller.
 *
 * @param kept numbers of the operations that are left; null: all
 * @param off kinds of faults that are switched off
 */
record Seed(long number, int operations, List<Integer> kept, EnumSet<Swarm.Kind> off) {
    static Seed of(long number, int operations) {
        return new Seed(number, operations, null, EnumSet.noneOf(Swarm.Kind.class));
    }

    Verdict tell(Trace trace) {
        return new Story(number, plan(), swarm(), trace).tell();
    }

    Plan plan() {
        Plan whole = Plan.of(new Streams(number), operations);
        if (kept == null) {
            return whole;
        }
        List<Op> left =
                whole.ops().stream().filter(op -> kept.contains(op.index())).toList();
        return whole.keeping(left);
    }

    Swarm swarm() {
        Swarm swarm = new Swarm(new Streams(number), operations);
        off.forEach(swarm::switchOff);
        return swarm;
    }
}

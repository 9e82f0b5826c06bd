package dev.gossamer.it.sim;

import dev.gossamer.it.sim.faults.Swarm;
import dev.gossamer.it.sim.load.Plan;
import dev.gossamer.it.sim.world.Streams;
import dev.gossamer.it.sim.world.Trace;

/** The command line of {@code it-tests/simulate}. */
public final class Simulate {
    private Simulate() {}

    public static void main(String[] arguments) {
        long first = Long.parseLong(arguments[0]);
        long count = Long.parseLong(arguments[1]);
        int ops = Integer.parseInt(arguments[2]);
        boolean trace = arguments.length > 3;
        long begun = System.nanoTime();
        int bad = 0;
        int cuts = 0;
        for (long seed = first; seed < first + count; seed++) {
            Trace history = new Trace(trace);
            Streams streams = new Streams(seed);
            Swarm swarm = new Swarm(streams, ops);
            Verdict verdict = new Story(seed, Plan.of(streams, ops), swarm, history).tell();
            cuts += verdict.cuts();
            if (trace) {
                history.lines().forEach(System.out::println);
            }
            if (!verdict.isGood()) {
                bad++;
                System.out.println("seed " + seed + " " + verdict.violation().getMessage() + " " + swarm);
                if (trace || verdict.violation().getCause() != null && bad < 4) {
                    verdict.violation().printStackTrace(System.out);
                }
            }
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        System.out.printf("%d seeds, %d bad, %d cuts, %.1f s%n", count, bad, cuts, seconds);
    }
}

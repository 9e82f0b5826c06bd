package dev.gossamer.it.sim;

import dev.gossamer.it.sim.faults.FaultCounts;
import dev.gossamer.it.sim.judge.Violation;

/**
 * How a story ended.
 *
 * @param violation null if every promise was kept
 * @param hash of the whole history
 * @param operations that devices carried out
 * @param answers that clients got
 */
record Verdict(
        long seed,
        Violation violation,
        long hash,
        long steps,
        long operations,
        long answers,
        int lives,
        int cuts,
        int images,
        int kills,
        FaultCounts counts) {
    boolean isGood() {
        return violation == null;
    }
}

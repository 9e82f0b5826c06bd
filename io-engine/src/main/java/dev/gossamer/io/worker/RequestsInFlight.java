package dev.gossamer.io.worker;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;
import java.util.ArrayList;
import java.util.List;

/**
 * Requests of all loops that are under way below (dm's deferred set): how the owner of a map learns that no loop uses
 * an old entry any more. Entering costs an increment of the loop's own.
 */
public final class RequestsInFlight {
    private final IoLoop worker;
    private final PerLoop<EpochCount> counts;
    private final int loops;

    /**
     * Nothing is under way.
     *
     * @param worker the loop of the map's owner
     * @param loops those that requests come from, each at its own index
     */
    public RequestsInFlight(IoLoop worker, List<? extends IoLoop> loops) {
        this.worker = worker;
        this.counts = new PerLoop<>(loops, EpochCount::new);
        this.loops = loops.size();
    }

    /** Redirects a request and counts it until it completes. On its loop. */
    public void enter(BlockRequest request, long newOffsetBytes) {
        counts.of(request.loop()).enter(request, newOffsetBytes);
    }

    /**
     * Calls back once every request has completed that any loop entered before. What a loop enters afterwards, it has
     * looked up in what the worker had published before this call. Worker's thread, here and there. If this throws, no
     * loop has been asked, and nothing calls back.
     */
    public void drain(Runnable whenDrained) {
        Invariant.check(worker.inLoop(), "loops drained by another than their worker");
        if (loops == 0) {
            Wakeup.call(worker, whenDrained);
            return;
        }
        int[] left = {loops};
        Runnable oneLess = () -> {
            if (--left[0] == 0) {
                whenDrained.run();
            }
        };
        // Without memory a loop asks again: the worker would wait for ever.
        Wakeup toldWorker = new Wakeup(worker, oneLess);
        List<EpochCount.Drain> drains = new ArrayList<>(loops);
        counts.forEach(count -> drains.add(new EpochCount.Drain(count, toldWorker::call)));
        for (int i = 0; i < loops; i++) {
            drains.get(i).ask();
        }
    }
}

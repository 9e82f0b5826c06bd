package dev.gossamer.snapshot;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.OwnedLoop;
import dev.gossamer.io.worker.LongCommands;
import dev.gossamer.io.worker.PerLoop;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.io.worker.WorkerIo;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.snapshot.copy.ChunkRun;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Between the loops of one origin and its worker: the ways there and back, and what is under way.
 *
 * @param worker the worker's loop; what its tasks and timers throw stops the queue
 * @param io those that requests come from
 * @param queue requests for the worker
 * @param transfers the worker's own
 * @param trackedReads reads of snapshots that went to the origin (rule S-S1)
 * @param writes to the origin and, in place, to stores
 * @param runs look-ups of the loops
 * @param longCommands those whose range has no limit
 */
record OriginLoops(
        IoLoop worker,
        List<? extends IoLoop> io,
        WorkerQueue queue,
        WorkerIo transfers,
        RequestsInFlight trackedReads,
        RequestsInFlight writes,
        PerLoop<ChunkRun> runs,
        PerLoop<LongCommands> longCommands) {
    private static final Logger LOG = LoggerFactory.getLogger(OriginLoops.class);

    static OriginLoops of(IoLoop workerLoop, List<? extends IoLoop> io) {
        WorkerQueue queue = new WorkerQueue(workerLoop, io);
        IoLoop worker = new OwnedLoop(workerLoop, queue::stop);
        // What is on disk is sound, and is found again when the set is opened anew.
        queue.begin(bug -> LOG.error("writes that need the worker fail from now on: a bug", bug));
        return new OriginLoops(
                worker,
                List.copyOf(io),
                queue,
                new WorkerIo(workerLoop, queue::stop),
                new RequestsInFlight(worker, io),
                new RequestsInFlight(worker, io),
                new PerLoop<>(io, loop -> new ChunkRun()),
                new PerLoop<>(io, loop -> new LongCommands()));
    }

    /**
     * Calls back once no request is under way to the origin or to a store that any loop started before. Worker's
     * thread.
     */
    void drain(Runnable whenDrained) {
        writes.drain(() -> trackedReads.drain(whenDrained));
    }
}

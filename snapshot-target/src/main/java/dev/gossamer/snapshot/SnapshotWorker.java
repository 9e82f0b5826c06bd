package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.worker.PerLoop;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.io.worker.WorkerIo;
import dev.gossamer.io.worker.WorkerQueue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The owner of an origin's snapshots: everything that changes a table or a store happens on its loop. It never blocks.
 *
 * <p>Requests come from I/O loops through {@link #defer} and go back to them through {@link #handBack}; what happens to
 * them here is their device's business ({@link ServedDevice#admit}).
 */
final class SnapshotWorker {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotWorker.class);

    private final IoLoop loop;
    private final BlockDevice origin;
    private final WorkerQueue queue;
    private final RequestsInFlight trackedReads;
    private final RequestsInFlight writes;
    private final PerLoop<ChunkRun> runs;
    private final WorkerIo io;
    private final CopyQueue copies = new CopyQueue(this);

    // Those that copy from the origin, largest chunks first; replaced as a whole by the worker, read by loops.
    private volatile CowSnapshot[] snapshots = {};

    SnapshotWorker(IoLoop loop, BlockDevice origin, List<? extends IoLoop> ioLoops) {
        this.loop = loop;
        this.origin = origin;
        this.io = new WorkerIo(loop);
        this.queue = new WorkerQueue(loop, ioLoops);
        this.trackedReads = new RequestsInFlight(loop, ioLoops);
        this.writes = new RequestsInFlight(loop, ioLoops);
        this.runs = new PerLoop<>(ioLoops, ioLoop -> new ChunkRun());
        queue.begin(bug -> LOG.error("a request was lost", bug));
    }

    // ---- any loop ------------------------------------------------------------------------------------------------

    /** Look-ups of loops. */
    PerLoop<ChunkRun> runs() {
        return runs;
    }

    /** Reads of snapshots that went to the origin (rule S-S1). */
    RequestsInFlight trackedReads() {
        return trackedReads;
    }

    /** Writes to the origin and, in place, to stores. */
    RequestsInFlight writes() {
        return writes;
    }

    BlockDevice originDevice() {
        return origin;
    }

    /** Whether a write to this range of the origin can go there at once. */
    boolean isCovered(long fromBytes, long toBytes) {
        for (CowSnapshot snapshot : snapshots) {
            if (!snapshot.isCovered(fromBytes, toBytes)) {
                return false;
            }
        }
        return true;
    }

    /** Parks a request with the worker until it hands it back. */
    void defer(ServedDevice device, BlockRequest request) {
        queue.defer(device, request);
    }

    // ---- worker's loop -------------------------------------------------------------------------------------------

    void handBack(BlockRequest request, int verdict) {
        queue.handBack(request, verdict);
    }

    WorkerIo io() {
        return io;
    }

    CopyQueue copies() {
        return copies;
    }

    void execute(Runnable task) {
        loop.execute(task);
    }

    void schedule(Runnable task, long delayNanos) {
        loop.schedule(task, delayNanos);
    }

    long nanoTime() {
        return loop.nanoTime();
    }

    /** Puts what a write to the origin would destroy into all snapshots; releases {@code held} once for that. */
    void cover(long fromBytes, long toBytes, HeldRequest held) {
        Invariant.check(loop.inLoop(), "a table used outside its worker");
        List<PendingRemap> fresh = new ArrayList<>();
        for (CowSnapshot snapshot : snapshots) {
            snapshot.cover(fromBytes, toBytes, held, fresh);
        }
        if (!fresh.isEmpty()) {
            copies.add(fresh);
        }
        held.release();
    }

    /** From now on writes to the origin care for this snapshot. Those under way do not: see {@link #writes}. */
    void attach(CowSnapshot snapshot) {
        List<CowSnapshot> all = new ArrayList<>(List.of(snapshots));
        all.add(snapshot);
        all.sort(Comparator.comparingInt(CowSnapshot::chunkBytes).reversed());
        snapshots = all.toArray(CowSnapshot[]::new);
    }

    void detach(CowSnapshot snapshot) {
        List<CowSnapshot> all = new ArrayList<>(List.of(snapshots));
        all.remove(snapshot);
        snapshots = all.toArray(CowSnapshot[]::new);
        snapshot.detach();
    }
}

package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.InFlight;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestStack;
import dev.gossamer.snapshot.store.WorkerIo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/**
 * The owner of an origin's snapshots: everything that changes a table or a store happens on its loop. It never blocks.
 *
 * <p>Requests come from I/O loops through {@link #defer} and go back to them through {@link #handBack}; what happens to them
 * here is their device's business ({@link ServedDevice#admit}).
 */
final class SnapshotWorker {
    /** Verdict: serve the request again. Every other verdict is an errno to complete it with. */
    static final int SERVE_AGAIN = -1;

    private final IoLoop loop;
    private final BlockDevice origin;
    private final LoopShare[] shares;
    private final WorkerIo io;
    private final CopyQueue copies = new CopyQueue(this);
    private final RequestStack deferred = new RequestStack();
    private final Runnable turn = this::turn;

    // Those that copy from the origin, largest chunks first; replaced as a whole by the worker, read by loops.
    private volatile CowSnapshot[] snapshots = {};

    SnapshotWorker(IoLoop loop, BlockDevice origin, List<? extends IoLoop> ioLoops) {
        this.loop = loop;
        this.origin = origin;
        this.io = new WorkerIo(loop);
        this.shares = new LoopShare[ioLoops.size()];
        for (IoLoop ioLoop : ioLoops) {
            shares[ioLoop.index()] = new LoopShare(ioLoop);
        }
    }

    // ---- any loop ------------------------------------------------------------------------------------------------

    /** The calling loop's share. */
    LoopShare share(IoLoop ioLoop) {
        return shares[ioLoop.index()];
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
        request.parkedBy = device;
        if (deferred.push(request)) {
            loop.execute(turn);
        }
    }

    // ---- worker's loop -------------------------------------------------------------------------------------------

    private void turn() {
        BlockRequest request = deferred.takeAll();
        while (request != null) {
            BlockRequest following = request.next;
            request.next = null;
            ((ServedDevice) request.parkedBy).admit(request);
            request = following;
        }
    }

    void handBack(BlockRequest request, int verdict) {
        share(request.loop()).handBack(request, verdict);
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

    /** From now on writes to the origin care for this snapshot. Those under way do not: see {@link #drainWrites}. */
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

    /** Calls back once every read of a snapshot that any loop sent to the origin before has completed. */
    void drainTrackedReads(Runnable whenDrained) {
        drain(share -> share.trackedReads, whenDrained);
    }

    /** Calls back once every write that any loop sent to the origin or a store before has completed. */
    void drainWrites(Runnable whenDrained) {
        drain(share -> share.writes, whenDrained);
    }

    private void drain(Function<LoopShare, InFlight> which, Runnable whenDrained) {
        int[] left = {shares.length};
        Runnable oneLess = () -> {
            if (--left[0] == 0) {
                whenDrained.run();
            }
        };
        for (LoopShare share : shares) {
            which.apply(share).requestDrain(() -> loop.execute(oneLess));
        }
    }
}

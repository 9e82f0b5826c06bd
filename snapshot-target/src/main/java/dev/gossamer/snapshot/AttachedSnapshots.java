package dev.gossamer.snapshot;

import dev.gossamer.io.Errno;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.snapshot.copy.CopyQueue;
import dev.gossamer.snapshot.copy.HeldRequest;
import dev.gossamer.snapshot.copy.PendingRemap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The snapshots that a write to the origin must care for. Worker's thread, but for {@link #isCovered}. */
final class AttachedSnapshots {
    private final WorkerQueue queue;
    private final CopyQueue copies;

    // Those that copy from the origin, largest chunks first; replaced as a whole by the worker, read by loops.
    private volatile CowSnapshot[] snapshots = {};

    AttachedSnapshots(WorkerQueue queue, CopyQueue copies) {
        this.queue = queue;
        this.copies = copies;
    }

    /** Whether a write to this range of the origin can go there at once. Any loop. */
    boolean isCovered(long fromBytes, long toBytes) {
        for (CowSnapshot snapshot : snapshots) {
            if (!snapshot.isCovered(fromBytes, toBytes)) {
                return false;
            }
        }
        return true;
    }

    /** Puts what a write to the origin would destroy into all snapshots; releases {@code held} once for that. */
    void cover(long fromBytes, long toBytes, HeldRequest held) {
        queue.checkThread();
        List<PendingRemap> fresh = new ArrayList<>();
        try {
            for (CowSnapshot snapshot : snapshots) {
                snapshot.cover(fromBytes, toBytes, held, fresh);
            }
        } catch (RuntimeException | Error bug) {
            held.fail(Errno.EIO);
            throw bug;
        } finally {
            // What has been begun is copied whatever became of the rest: others may have joined.
            if (!fresh.isEmpty()) {
                copies.add(fresh);
            }
            held.release();
        }
    }

    /**
     * From now on writes to the origin care for this snapshot. Those under way do not: the caller drains them before he
     * relies on it.
     */
    void attach(CowSnapshot snapshot) {
        queue.checkThread();
        List<CowSnapshot> all = new ArrayList<>(List.of(snapshots));
        all.add(snapshot);
        all.sort(Comparator.comparingInt(CowSnapshot::chunkBytes).reversed());
        snapshots = all.toArray(CowSnapshot[]::new);
    }

    void detach(CowSnapshot snapshot) {
        queue.checkThread();
        List<CowSnapshot> all = new ArrayList<>(List.of(snapshots));
        all.remove(snapshot);
        snapshots = all.toArray(CowSnapshot[]::new);
        snapshot.detach();
    }

    /** A handle was abandoned: writes of its that wait for room in a store end. */
    void endAbandoned() {
        queue.checkThread();
        for (CowSnapshot snapshot : snapshots) {
            snapshot.endAbandoned();
        }
    }
}

package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.worker.Kept;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;

/**
 * The end of a set: a merge is stopped, every snapshot comes to rest, and all devices are closed. That ends also if a
 * bug has stopped the worker, or stops it meanwhile. Worker's thread.
 */
final class SetClosing implements Kept {
    /** After a bug a snapshot may never be at rest: what is at the disks, of which nobody hears, gets time to end. */
    private static final long STOPPED_PATIENCE_NANOS = 2_000_000_000L;

    private final OriginLoops loops;
    private final SnapshotMessages messages;
    private final BlockDevice origin;
    private final CompletableFuture<Void> answer;
    private final ArrayDeque<CowSnapshot> left = new ArrayDeque<>();
    // Waited for at present; null if none is.
    private CowSnapshot present;

    SetClosing(OriginLoops loops, SnapshotMessages messages, BlockDevice origin, CompletableFuture<Void> answer) {
        this.loops = loops;
        this.messages = messages;
        this.origin = origin;
        this.answer = answer;
    }

    void begin() {
        loops.queue().keep(this);
        MergeJob merge = messages.merge();
        Runnable closeAll = () -> {
            left.addAll(messages.snapshots().values());
            next();
        };
        if (merge == null) {
            closeAll.run();
        } else {
            merge.stop(closeAll);
        }
    }

    private void next() {
        CowSnapshot snapshot = left.pollLast();
        present = snapshot;
        if (snapshot == null) {
            loops.queue().forget(this);
            try {
                origin.close();
            } finally {
                answer.complete(null);
            }
        } else if (loops.queue().isStopped()) {
            end();
        } else {
            snapshot.whenIdle(() -> close(snapshot));
        }
    }

    /** A bug has stopped the worker. */
    @Override
    public void end() {
        CowSnapshot snapshot = present;
        if (snapshot != null) {
            loops.worker().schedule(() -> close(snapshot), STOPPED_PATIENCE_NANOS);
        }
    }

    private void close(CowSnapshot snapshot) {
        if (snapshot.equals(present)) {
            present = null;
            messages.snapshots().remove(snapshot.name());
            try {
                snapshot.storeDevice().close();
            } finally {
                next();
            }
        }
    }
}

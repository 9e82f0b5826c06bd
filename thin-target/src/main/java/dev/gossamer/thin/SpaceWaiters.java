package dev.gossamer.thin;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * Requests that need a block when there is none (rules S-1, S-2, M-2, M-3). Not more than connections may have under
 * way. Worker's thread.
 */
final class SpaceWaiters {
    private final PoolWorker worker;
    private final PoolMetadata metadata;
    private final RequestQueue waiting = new RequestQueue();

    SpaceWaiters(PoolWorker worker, PoolMetadata metadata) {
        this.worker = worker;
        this.metadata = metadata;
    }

    /** Freed blocks may come back with a commit (S-1); if none can, the answer is ENOSPC. */
    void add(BlockRequest request, String what) {
        if (worker.committer().canFreeBlocks()) {
            waiting.add(request);
            worker.committer().commitSoon();
            return;
        }
        if (worker.mode() == PoolMode.WRITE && metadata.dataBlocksFree() == 0) {
            worker.state().set(PoolMode.OUT_OF_DATA_SPACE, "no free " + what + " block");
        }
        worker.handBack(request, Errno.ENOSPC);
    }

    /** Blocks freed earlier can be allocated now: serves who waited, and leaves OUT_OF_DATA_SPACE (M-3). */
    void spaceReleased() {
        if (worker.mode() == PoolMode.OUT_OF_DATA_SPACE && metadata.dataBlocksFree() > 0) {
            worker.state().set(PoolMode.WRITE, "");
        }
        RequestQueue retry = new RequestQueue();
        waiting.moveTo(retry);
        worker.readmit(retry);
    }

    /** Fails everybody who waits. */
    void fail(int errno) {
        worker.finishAll(waiting, errno);
    }
}

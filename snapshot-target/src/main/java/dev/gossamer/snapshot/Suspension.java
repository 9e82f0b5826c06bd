package dev.gossamer.snapshot;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.worker.WorkerQueue;

/** Whether requests to a snapshot wait, and those that do. Worker's thread, but for {@link #isOn}. */
final class Suspension {
    private final WorkerQueue queue;
    // Bounded by the requests that connections have under way.
    private final RequestQueue waiting = new RequestQueue();
    // Written by the worker, read by loops.
    private volatile boolean on;

    Suspension(WorkerQueue queue) {
        this.queue = queue;
    }

    boolean isOn() {
        return on;
    }

    /** Requests wait from now on; those under way go on. */
    void begin() {
        on = true;
    }

    void park(BlockRequest request) {
        if (request.parkedBy().isAbandoned()) {
            queue.handBack(request, Errno.ESHUTDOWN);
        } else {
            waiting.add(request);
        }
    }

    /** A handle was abandoned: what waits of its ends. */
    void endAbandoned() {
        RequestQueue all = new RequestQueue();
        waiting.moveTo(all);
        for (BlockRequest r = all.poll(); r != null; r = all.poll()) {
            park(r);
        }
    }

    /** Requests go on. */
    void end() {
        on = false;
        endAll(ServedDevice.SERVE_AGAIN);
    }

    void endAll(int verdict) {
        queue.handBackAll(waiting, verdict);
    }
}

package dev.gossamer.io.worker;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.RequestStack;

/** Requests that a worker returns to one loop. */
final class LoopInbox {
    private final IoLoop loop;
    private final RequestStack returned = new RequestStack();
    private final Runnable take;

    // The loop's alone.
    private final RequestQueue arrived = new RequestQueue();

    LoopInbox(IoLoop loop) {
        this.loop = loop;
        this.take = loop.faults().guarded(this::take);
    }

    /** Adds a decided request. For the worker. */
    void add(BlockRequest request) {
        if (returned.push(request)) {
            loop.execute(take);
        }
    }

    /** What following one verdict throws is that request's: those that came back with it go on. */
    private void take() {
        returned.takeInto(arrived);
        for (BlockRequest r = arrived.poll(); r != null; r = arrived.poll()) {
            r.guard(BlockRequest::followVerdict);
        }
    }
}

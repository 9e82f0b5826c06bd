package dev.gossamer.io.worker;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.RequestStack;

/** Requests that a worker returns to one loop. */
final class LoopInbox {
    private final IoLoop loop;
    private final RequestStack returned = new RequestStack();
    private final Runnable take = this::take;

    // The loop's alone.
    private final RequestQueue arrived = new RequestQueue();

    LoopInbox(IoLoop loop) {
        this.loop = loop;
    }

    /** Adds a decided request. For the worker. */
    void add(BlockRequest request) {
        if (returned.push(request)) {
            loop.execute(take);
        }
    }

    /**
     * A completion that throws must not take those with it that came back together: their clients would wait for ever.
     */
    private void take() {
        returned.takeInto(arrived);
        try {
            for (BlockRequest r = arrived.poll(); r != null; r = arrived.poll()) {
                r.followVerdict();
            }
        } finally {
            if (!arrived.isEmpty()) {
                loop.execute(take);
            }
        }
    }
}

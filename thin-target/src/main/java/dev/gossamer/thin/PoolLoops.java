package dev.gossamer.thin;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import java.util.List;
import java.util.stream.Stream;

/** The loops that submit requests to a pool, seen from its worker: the way back to them, and the wait for what they have. */
final class PoolLoops {
    private final IoLoop workerLoop;
    private final LoopShare[] shares;

    /** @param ioLoops each at its own index */
    PoolLoops(IoLoop workerLoop, List<? extends IoLoop> ioLoops) {
        this.workerLoop = workerLoop;
        this.shares = new LoopShare[ioLoops.size()];
        for (IoLoop loop : ioLoops) {
            shares[loop.index()] = new LoopShare(loop);
        }
    }

    /** A loop's share; for its thread. */
    LoopShare share(IoLoop loop) {
        return shares[loop.index()];
    }

    /** All of them. Any thread. */
    List<IoLoop> all() {
        return Stream.of(shares).map(LoopShare::loop).toList();
    }

    /** Returns a request to its loop, to be completed with an errno or served again. Worker's thread. */
    void handBack(BlockRequest request, int verdict) {
        share(request.loop()).handBack(request, verdict);
    }

    /** Returns all requests of a queue to their loops. Worker's thread. */
    void finishAll(RequestQueue queue, int verdict) {
        for (BlockRequest r = queue.poll(); r != null; r = queue.poll()) {
            handBack(r, verdict);
        }
    }

    /** Calls back, on the worker's loop, once every request has completed that any loop looked up before this call. */
    void drain(Runnable whenDrained) {
        int[] left = {shares.length};
        Runnable oneLess = () -> {
            if (--left[0] == 0) {
                whenDrained.run();
            }
        };
        for (LoopShare share : shares) {
            share.requestDrain(() -> workerLoop.execute(oneLess));
        }
    }

    /** The pool is closed: nothing is in flight. */
    void close() {
        for (LoopShare share : shares) {
            share.close();
        }
    }
}

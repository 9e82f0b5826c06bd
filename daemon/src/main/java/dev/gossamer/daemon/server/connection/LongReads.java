package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.IoLoop;
import java.util.ArrayDeque;

/**
 * The long READs of a loop take turns, a piece at a time. A piece that the page cache has is copied by whoever submits
 * it, which is the loop: as many at once as there are clients who ask for much would keep it from everybody else. The
 * next one begins when one has ended, or when a device is slow, after a moment. Confined to the loop.
 */
final class LongReads {
    /** Pieces that wait for a disk do not wait for each other: beyond 1 GiB a second they would. */
    private static final long PATIENCE_NANOS = 1_000_000;

    // Bounded by the requests of the loop's connections.
    private final ArrayDeque<SteppedRead> ready = new ArrayDeque<>();
    private int underWay;
    private boolean watched;

    /** A piece shall be read. */
    void ready(SteppedRead read, IoLoop loop) {
        ready.add(read);
        if (underWay == 0) {
            beginNext(loop);
        } else {
            watch(loop);
        }
    }

    /** A piece was read, or failed. From a task of its own, not inside the completion. */
    void ended(IoLoop loop) {
        underWay--;
        if (underWay == 0) {
            beginNext(loop); // as above: more than one is for a device that is slow, which the timer sees
        }
    }

    private void beginNext(IoLoop loop) {
        SteppedRead next = ready.poll();
        if (next != null) {
            underWay++;
            next.begin();
            watch(loop);
        }
    }

    private void watch(IoLoop loop) {
        if (!watched && !ready.isEmpty()) {
            try {
                loop.schedule(
                        () -> {
                            watched = false;
                            beginNext(loop);
                        },
                        PATIENCE_NANOS);
                watched = true;
            } catch (Throwable fault) {
                loop.faults().caught(fault); // It only helps: the next one that ends goes on.
            }
        }
    }
}

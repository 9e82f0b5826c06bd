package dev.gossamer.thin;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.ArrayDeque;

/**
 * One I/O loop's share of a pool: its requests in flight, counted by epoch (dm's deferred set, rule L-6), and the way
 * back for requests that the worker had. Fields belong to the loop's thread, but for the inbox.
 *
 * <p>How the worker learns that nobody uses a mapping any more:
 *
 * <ol>
 *   <li>The worker publishes a map without it, then asks each loop to drain. The hand-over orders the two, so whatever
 *       the loop looks up afterwards it looks up in the new map.
 *   <li>The loop starts a new epoch. Requests of the old one are those that may still use the mapping.
 *   <li>When the last of them completes, the loop tells the worker.
 * </ol>
 *
 * <p>Two epochs are enough: a drain that arrives while one is under way starts after it. Counting is a plain increment:
 * no fence and no shared cache line on the path of mapped I/O.
 */
final class LoopShare implements AutoCloseable {
    /** An unaligned read goes through memory of its own in slices of at most this (and the rest of a sector). */
    static final int BOUNCE_SLICE_BYTES = 128 << 10;

    // Eight slices under way at a time; unaligned reads are rare and may wait for each other.
    private static final int BOUNCE_BYTES = 1 << 20;

    private final IoLoop loop;
    private final BlockCompletion[] leave = {this::leaveEven, this::leaveOdd};
    private final int[] inFlight = new int[2];
    private int epoch;
    private Runnable draining;
    // One entry per drain that the worker has under way at once: bounded by commits and locks in progress.
    private final ArrayDeque<Runnable> laterDrains = new ArrayDeque<>();
    private final RequestStack inbox = new RequestStack();
    private final Runnable takeInbox = this::takeInbox;

    /** For the map look-up of this loop: reused, so that it allocates nothing. */
    final MappedRun run = new MappedRun();

    /** Memory for unaligned reads of this loop, for its thread. */
    final IoBufferPool bounceBuffers = new IoBufferPool(BOUNCE_BYTES);

    LoopShare(IoLoop loop) {
        this.loop = loop;
    }

    /** Redirects a request to its data block and counts it until it completes. On the loop. */
    void enter(BlockRequest request, long dataOffsetBytes) {
        inFlight[epoch]++;
        request.push(leave[epoch], dataOffsetBytes);
    }

    /** Calls back, on the loop, once every request that entered before has completed. On the loop. */
    void drain(Runnable whenDrained) {
        if (draining != null) {
            laterDrains.add(whenDrained);
            return;
        }
        int old = epoch;
        epoch ^= 1;
        if (inFlight[old] == 0) {
            whenDrained.run();
        } else {
            draining = whenDrained;
        }
    }

    /** Asks the loop to {@link #drain}. Any thread. */
    void requestDrain(Runnable whenDrained) {
        loop.execute(() -> drain(whenDrained));
    }

    /** Returns a request to this loop, to be completed with an errno or served again. For the worker. */
    void handBack(BlockRequest request, int verdict) {
        request.verdict = verdict;
        if (inbox.push(request)) {
            loop.execute(takeInbox);
        }
    }

    /** The pool is closed: nothing is in flight. */
    @Override
    public void close() {
        bounceBuffers.close();
    }

    private void takeInbox() {
        BlockRequest request = inbox.takeAll();
        while (request != null) {
            BlockRequest following = request.next;
            request.next = null;
            ThinVolume volume = (ThinVolume) request.parkedBy;
            if (request.verdict == PoolWorker.SERVE_AGAIN) {
                volume.serveAgain(request);
            } else {
                request.complete(request.verdict);
            }
            request = following;
        }
    }

    private void leaveEven(BlockRequest request, int errno) {
        left(0);
        request.complete(errno);
    }

    private void leaveOdd(BlockRequest request, int errno) {
        left(1);
        request.complete(errno);
    }

    private void left(int itsEpoch) {
        inFlight[itsEpoch]--;
        if (draining != null && inFlight[epoch ^ 1] == 0) {
            Runnable done = draining;
            draining = null;
            done.run();
            while (draining == null && !laterDrains.isEmpty()) {
                drain(laterDrains.poll());
            }
        }
    }
}

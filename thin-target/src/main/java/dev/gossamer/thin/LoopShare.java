package dev.gossamer.thin;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.InFlight;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.buffer.IoBufferPool;

/**
 * One I/O loop's share of a pool: its mapped requests in flight (dm's deferred set, rule L-6), and the way back for
 * requests that the worker had. Fields belong to the loop's thread, but for the inbox.
 */
final class LoopShare implements AutoCloseable {
    /** An unaligned read goes through memory of its own in slices of at most this (and the rest of a sector). */
    static final int BOUNCE_SLICE_BYTES = 128 << 10;

    // Eight slices under way at a time; unaligned reads are rare and may wait for each other.
    private static final int BOUNCE_BYTES = 1 << 20;

    private final IoLoop loop;
    private final InFlight inFlight;
    private final RequestStack inbox = new RequestStack();
    private final Runnable takeInbox = this::takeInbox;

    /** For the map look-up of this loop: reused, so that it allocates nothing. */
    final MappedRun run = new MappedRun();

    /** Memory for unaligned reads of this loop, for its thread. */
    final IoBufferPool bounceBuffers = new IoBufferPool(BOUNCE_BYTES);

    LoopShare(IoLoop loop) {
        this.loop = loop;
        this.inFlight = new InFlight(loop);
    }

    IoLoop loop() {
        return loop;
    }

    /** Redirects a request to its data block and counts it until it completes. On the loop. */
    void enter(BlockRequest request, long dataOffsetBytes) {
        inFlight.enter(request, dataOffsetBytes);
    }

    /** Calls back, on the loop, once every request that entered before has completed. Any thread. */
    void requestDrain(Runnable whenDrained) {
        inFlight.requestDrain(whenDrained);
    }

    /** Returns a request to this loop, to be completed with an errno or served again. For the worker. */
    void handBack(BlockRequest request, int verdict) {
        request.decide(verdict);
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
            request.followVerdict();
            request = following;
        }
    }
}

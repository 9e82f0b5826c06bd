package dev.gossamer.snapshot;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.InFlight;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestStack;

/**
 * One I/O loop's share of an origin and its snapshots: what it has under way, and the way back for requests that the worker
 * had. Fields belong to the loop's thread, but for the inbox.
 */
final class LoopShare {
    private final IoLoop loop;
    private final RequestStack inbox = new RequestStack();
    private final Runnable takeInbox = this::takeInbox;

    /** Reads of snapshots that went to the origin (rule S-S1). */
    final InFlight trackedReads;

    /** Writes to the origin and, in place, to stores. */
    final InFlight writes;

    /** For look-ups of this loop: reused, so that they allocate nothing. */
    final ChunkRun run = new ChunkRun();

    LoopShare(IoLoop loop) {
        this.loop = loop;
        this.trackedReads = new InFlight(loop);
        this.writes = new InFlight(loop);
    }

    /** Returns a request to this loop, to be completed with an errno or served again. For the worker. */
    void handBack(BlockRequest request, int verdict) {
        request.verdict = verdict;
        if (inbox.push(request)) {
            loop.execute(takeInbox);
        }
    }

    private void takeInbox() {
        BlockRequest request = inbox.takeAll();
        while (request != null) {
            BlockRequest following = request.next;
            request.next = null;
            if (request.verdict == SnapshotWorker.SERVE_AGAIN) {
                ((ServedDevice) request.parkedBy).serve(request);
            } else {
                request.complete(request.verdict);
            }
            request = following;
        }
    }
}

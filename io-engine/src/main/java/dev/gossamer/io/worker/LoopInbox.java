package dev.gossamer.io.worker;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.Wakeup;

/** Requests that go back to one loop, with what became of them. */
public final class LoopInbox {
    private final RequestStack returned = new RequestStack();
    private final Wakeup take;

    // The loop's alone.
    private final RequestQueue arrived = new RequestQueue();

    /** @param loop where they end */
    public LoopInbox(IoLoop loop) {
        this.take = new Wakeup(loop, this::take);
    }

    /** Adds a decided request. Any thread that has it. */
    public void add(BlockRequest request) {
        if (returned.push(request) && !take.call()) {
            // The loop has no thread any more: whoever counts its requests gets them back all the same.
            returned.takeEach(LoopInbox::end);
        }
    }

    private static void end(BlockRequest request) {
        request.complete(Errno.EIO);
    }

    /** What following one verdict throws is that request's: those that came back with it go on. */
    private void take() {
        returned.takeInto(arrived);
        for (BlockRequest r = arrived.poll(); r != null; r = arrived.poll()) {
            r.guard(BlockRequest::followVerdict);
        }
    }
}

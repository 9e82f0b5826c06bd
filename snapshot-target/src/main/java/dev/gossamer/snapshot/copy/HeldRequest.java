package dev.gossamer.snapshot.copy;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.worker.Kept;
import dev.gossamer.io.worker.WorkerQueue;
import java.util.function.IntConsumer;

/**
 * A write that must not go on before some chunks are safe: counts what it waits for. Worker's thread.
 *
 * <p>It begins with one count of its maker's, so that it cannot be released while it is still being given things to
 * wait for.
 */
public final class HeldRequest {
    private final BlockRequest request;
    private final WorkerQueue queue;
    private final IntConsumer whenReleased;
    private final Kept kept = this::end;
    private int waitingFor = 1;
    private int errno = Errno.OK;
    private boolean released;

    private HeldRequest(BlockRequest request, WorkerQueue queue, IntConsumer whenReleased) {
        this.request = request;
        this.queue = queue;
        this.whenReleased = whenReleased;
        queue.keep(kept);
    }

    /**
     * Work of the worker's own.
     *
     * @param whenReleased gets the first error that {@link #fail} was told, or 0
     */
    public HeldRequest(WorkerQueue queue, IntConsumer whenReleased) {
        this(null, queue, whenReleased);
    }

    /** A parked request, to be served again when it is released, or refused with the first error. */
    public static HeldRequest of(BlockRequest request, WorkerQueue queue) {
        HeldRequest held = new HeldRequest(
                request, queue, errno -> queue.handBack(request, errno == Errno.OK ? ServedDevice.SERVE_AGAIN : errno));
        request.taken(); // not earlier: without memory for this object nobody else would answer it
        return held;
    }

    public void hold() {
        waitingFor++;
    }

    public void release() {
        if (--waitingFor == 0) {
            letGo();
        }
    }

    /** A bug: what it waits for will not come. */
    private void end() {
        fail(Errno.EIO);
        letGo();
    }

    private void letGo() {
        if (!released) {
            released = true;
            queue.forget(kept);
            whenReleased.accept(errno);
        }
    }

    /** The write will not be carried out. It is still released as often as it is held. */
    public void fail(int why) {
        if (errno == Errno.OK) {
            errno = why;
        }
    }

    /** Whether nobody waits for the write any more. */
    public boolean isAbandoned() {
        return request != null && !released && request.parkedBy().isAbandoned();
    }
}

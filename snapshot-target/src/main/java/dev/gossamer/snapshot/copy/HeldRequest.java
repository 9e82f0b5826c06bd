package dev.gossamer.snapshot.copy;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
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
    private final IntConsumer whenReleased;
    private int waitingFor = 1;
    private int errno = Errno.OK;

    private HeldRequest(BlockRequest request, IntConsumer whenReleased) {
        this.request = request;
        this.whenReleased = whenReleased;
    }

    /**
     * Work of the worker's own.
     *
     * @param whenReleased gets the first error that {@link #fail} was told, or 0
     */
    public HeldRequest(IntConsumer whenReleased) {
        this(null, whenReleased);
    }

    /** A parked request, to be served again when it is released, or refused with the first error. */
    public static HeldRequest of(BlockRequest request, WorkerQueue queue) {
        request.taken();
        return new HeldRequest(
                request, errno -> queue.handBack(request, errno == Errno.OK ? ServedDevice.SERVE_AGAIN : errno));
    }

    public void hold() {
        waitingFor++;
    }

    public void release() {
        if (--waitingFor == 0) {
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
        return request != null && request.parkedBy().isAbandoned();
    }
}

package dev.gossamer.snapshot;

import dev.gossamer.io.Errno;
import java.util.function.IntConsumer;

/**
 * A write that must not go on before some chunks are safe: counts what it waits for. Worker's thread.
 *
 * <p>It begins with one count of its maker's, so that it cannot be released while it is still being given things to
 * wait for.
 */
final class HeldRequest {
    private final IntConsumer whenReleased;
    private int waitingFor = 1;
    private int errno = Errno.OK;

    /** @param whenReleased gets the first error that {@link #fail} was told, or 0 */
    HeldRequest(IntConsumer whenReleased) {
        this.whenReleased = whenReleased;
    }

    void hold() {
        waitingFor++;
    }

    void release() {
        if (--waitingFor == 0) {
            whenReleased.accept(errno);
        }
    }

    /** The write will not be carried out. It is still released as often as it is held. */
    void fail(int why) {
        if (errno == Errno.OK) {
            errno = why;
        }
    }
}

package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.Errors;
import java.io.UncheckedIOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Handing entries to the kernel early never throws: they are queued, and only a completion may end them. */
class SubmissionQueueTest {
    /** A kernel that takes entries, or throws what Netty makes of its errors. */
    private static final class Kernel implements SubmissionQueue.Entries {
        int queued;
        Throwable refusal;

        @Override
        public int count() {
            return queued;
        }

        @Override
        public int remaining() {
            return 16 - queued;
        }

        @Override
        public int submit() {
            if (refusal instanceof RuntimeException e) {
                throw e;
            }
            if (refusal instanceof Error e) {
                throw e;
            }
            int taken = queued;
            queued = 0;
            return taken;
        }
    }

    /** As Netty throws an enter that fails. */
    static UncheckedIOException refusal(int errno) {
        Epoll.ensureAvailability(); // loads what knows the errors' names
        return new UncheckedIOException(Errors.newIOException("io_uring_enter", -errno));
    }

    static Stream<Throwable> refusals() {
        return Stream.of(
                refusal(Errno.EAGAIN),
                refusal(Errno.EBUSY),
                refusal(Errno.ENOMEM),
                refusal(Errno.EINTR),
                refusal(9), // EBADF
                new IllegalStateException("ring closed"),
                new OutOfMemoryError("Java heap space"));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void anEnterThatFailsLeavesTheEntriesForTheEndOfTheTurn(Throwable refusal) {
        Kernel kernel = new Kernel();
        SubmissionQueue queue = new SubmissionQueue(kernel);
        kernel.queued = 8;
        kernel.refusal = refusal;
        queue.submitIfAtLeast(8);
        assertEquals(8, kernel.queued);
        kernel.refusal = null;
        queue.submitIfAtLeast(8);
        assertEquals(0, kernel.queued);
    }

    @Test
    void aFullQueueMakesRoomOrSaysThatItHasNone() {
        Kernel kernel = new Kernel();
        SubmissionQueue queue = new SubmissionQueue(kernel);
        kernel.queued = 16;
        kernel.refusal = refusal(Errno.EAGAIN);
        assertFalse(queue.makeRoom());
        kernel.refusal = null;
        assertTrue(queue.makeRoom());
        assertEquals(0, kernel.queued);
    }

    @Test
    void theErrnoOfAnEnterIsFoundInWhatNettyThrows() {
        assertEquals(Errno.EBUSY, SubmissionQueue.errnoOf(refusal(Errno.EBUSY)));
        assertEquals(Errno.OK, SubmissionQueue.errnoOf(new IllegalStateException("no errno")));
    }
}

package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A loop outlives a turn that fails: Netty would end its thread, and all connections on it would wait for ever. */
class GuardedIoHandlerTest {
    /** Throws in every turn while told to. */
    private static final class Fragile implements IoHandler {
        volatile Throwable fault;

        @Override
        public int run(IoHandlerContext context) {
            Throwable now = fault;
            if (now instanceof RuntimeException e) {
                throw e;
            }
            if (now instanceof Error e) {
                throw e;
            }
            if (context.canBlock()) {
                LockSupport.parkNanos(1_000_000);
            }
            return 0;
        }

        @Override
        public IoRegistration register(IoHandle handle) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void wakeup() {}

        @Override
        public boolean isCompatible(Class<? extends IoHandle> handleType) {
            return false;
        }
    }

    private final Fragile handler = new Fragile();
    private final List<Throwable> lost = new CopyOnWriteArrayList<>();

    static Stream<Throwable> passing() {
        return Stream.of(
                SubmissionQueueTest.refusal(Errno.EAGAIN),
                SubmissionQueueTest.refusal(Errno.EBUSY),
                SubmissionQueueTest.refusal(Errno.ENOMEM),
                new AssertionError("an invariant"),
                new IllegalStateException("a bug"),
                new OutOfMemoryError("Java heap space"));
    }

    @ParameterizedTest
    @MethodSource("passing")
    void theLoopGoesOnAfterATurnThatFailed(Throwable fault) throws Exception {
        IoEventLoopGroup group = group();
        try {
            runs(group);
            handler.fault = fault;
            runs(group);
            runs(group);
            handler.fault = null;
            runs(group);
            assertEquals(List.of(), lost);
        } finally {
            end(group);
        }
    }

    @Test
    void aRingThatIsGoneIsToldToTheOwnerOnceAndTasksStillRun() throws Exception {
        IoEventLoopGroup group = group();
        try {
            Throwable gone = SubmissionQueueTest.refusal(9); // EBADF
            handler.fault = gone;
            runs(group);
            runs(group);
            assertSame(gone, lost.getFirst());
            assertEquals(1, lost.size());
        } finally {
            end(group);
        }
    }

    private IoEventLoopGroup group() {
        return new MultiThreadIoEventLoopGroup(1, GuardedIoHandler.guard(executor -> handler, lost::add));
    }

    private static void runs(IoEventLoopGroup group) throws Exception {
        assertTrue(group.next().schedule(() -> true, 5, TimeUnit.MILLISECONDS).get(1, TimeUnit.MINUTES));
        assertFalse(group.isShuttingDown());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // it is waited for
    private static void end(IoEventLoopGroup group) {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
}

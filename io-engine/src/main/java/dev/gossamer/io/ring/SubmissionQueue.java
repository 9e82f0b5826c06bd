package dev.gossamer.io.ring;

import dev.gossamer.io.Errno;
import io.netty.channel.IoRegistration;
import io.netty.channel.unix.Errors;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The submission queue of a loop's ring: how much waits in it, and a way to hand that to the kernel in the middle of a
 * turn. Netty does it at the end of a turn, and has nothing public for it; so this looks behind {@link IoRegistration}.
 * If another version of Netty looks different inside, everything works as Netty does it by itself.
 *
 * <p>Nothing here throws. When the kernel's enter fails, it has taken none of the entries (io_uring_enter(2): an error
 * is returned only if nothing was submitted): they stay in the queue, and the end of the turn tries again, where
 * {@link GuardedIoHandler} says what each error comes to. An errno for a request whose entry is queued would be
 * followed by a second completion, and the kernel would write into memory that is somebody else's by then.
 *
 * <p>Confined to the loop.
 */
final class SubmissionQueue {
    private static final Logger LOG = LoggerFactory.getLogger(SubmissionQueue.class);

    private static final String NETTY_QUEUE = "io.netty.channel.uring.SubmissionQueue";
    private static final MethodHandle COUNT = method("count");
    private static final MethodHandle REMAINING = method("remaining");
    private static final MethodHandle SUBMIT = method("submit");

    /** What is behind it; a test has a kernel of its own. */
    interface Entries {
        /** Entries that the kernel has not taken. */
        int count();

        /** Entries that find room. */
        int remaining();

        /** Enters the kernel, without waiting; throws what Netty throws. */
        int submit();
    }

    // Null if Netty's object was not found.
    private final Entries entries;

    SubmissionQueue(IoRegistration registration) {
        this(COUNT == null || REMAINING == null || SUBMIT == null ? null : find(registration));
    }

    SubmissionQueue(Entries entries) {
        this.entries = entries;
    }

    /** Hands the entries to the kernel if there are at least so many, without waiting for anything. */
    void submitIfAtLeast(int count) {
        if (entries != null && entries.count() >= count) {
            submit();
        }
    }

    /** Whether one more entry finds room, if need be by handing over those that are there. */
    boolean makeRoom() {
        if (entries == null || entries.remaining() > 0) {
            return true;
        }
        submit();
        return entries.remaining() > 0;
    }

    private void submit() {
        try {
            int submitted = entries.submit();
            LOG.trace("submitted {}", submitted);
        } catch (Throwable refused) {
            LOG.debug("the kernel takes no I/O now", refused);
        }
    }

    /** The errno of a failed enter, as Netty throws it; 0 for anything else. */
    static int errnoOf(Throwable thrown) {
        return thrown.getCause() instanceof Errors.NativeIoException refused
                ? Math.abs(refused.expectedErr())
                : Errno.OK;
    }

    private static MethodHandle method(String name) {
        try {
            Method method = Class.forName(NETTY_QUEUE).getDeclaredMethod(name);
            method.setAccessible(true);
            return MethodHandles.lookup().unreflect(method).asType(MethodType.methodType(int.class, Object.class));
        } catch (ReflectiveOperationException | RuntimeException e) {
            LOG.info("I/O reaches the kernel at the end of a turn only: {}", e.toString());
            return null;
        }
    }

    private static Entries find(IoRegistration registration) {
        try {
            Object handler = field(field(registration, "registration"), "this$0");
            return new NettyEntries(field(field(handler, "ringBuffer"), "ioUringSubmissionQueue"));
        } catch (ReflectiveOperationException | RuntimeException e) {
            LOG.info("I/O reaches the kernel at the end of a turn only: {}", e.toString());
            return null;
        }
    }

    private static Object field(Object object, String name) throws ReflectiveOperationException {
        Field field = object.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(object);
    }

    /** Netty's object, through method handles. */
    private record NettyEntries(Object queue) implements Entries {
        @Override
        public int count() {
            return call(COUNT);
        }

        @Override
        public int remaining() {
            return call(REMAINING);
        }

        @Override
        public int submit() {
            return call(SUBMIT);
        }

        private int call(MethodHandle method) {
            try {
                return (int) method.invokeExact(queue);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e); // Netty declares none
            }
        }
    }
}

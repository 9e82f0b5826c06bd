package dev.gossamer.io.ring;

import io.netty.channel.IoRegistration;
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
 * <p>Confined to the loop.
 */
final class SubmissionQueue {
    private static final Logger LOG = LoggerFactory.getLogger(SubmissionQueue.class);

    private static final String NETTY_QUEUE = "io.netty.channel.uring.SubmissionQueue";
    private static final MethodHandle COUNT = method("count");
    private static final MethodHandle SUBMIT = method("submit");

    // Netty's object; null if it was not found.
    private final Object queue;

    SubmissionQueue(IoRegistration registration) {
        queue = COUNT == null || SUBMIT == null ? null : find(registration);
    }

    /** Hands the entries to the kernel if there are at least so many, without waiting for anything. */
    void submitIfAtLeast(int entries) {
        if (queue == null) {
            return;
        }
        try {
            if ((int) COUNT.invokeExact(queue) >= entries) {
                int submitted = (int) SUBMIT.invokeExact(queue);
                LOG.trace("submitted {}", submitted);
            }
        } catch (Throwable e) {
            throw new IllegalStateException("the kernel does not take I/O", e);
        }
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

    private static Object find(IoRegistration registration) {
        try {
            Object handler = field(field(registration, "registration"), "this$0");
            return field(field(handler, "ringBuffer"), "ioUringSubmissionQueue");
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
}

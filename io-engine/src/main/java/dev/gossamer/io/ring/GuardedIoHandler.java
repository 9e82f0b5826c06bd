package dev.gossamer.io.ring;

import dev.gossamer.io.Errno;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Netty's I/O of one loop, with the promise that a turn never throws: Netty ends the loop's thread for that, with every
 * connection and request on it.
 *
 * <ol>
 *   <li>EINTR is repeated below Netty and never seen here.
 *   <li>EAGAIN, EBUSY, ENOMEM, ENOBUFS: the kernel has no memory for requests, or too many completions wait. What was
 *       to be submitted is still queued; the next turn tries again, after a short pause so that the loop does not spin.
 *       Tasks and timers run meanwhile.
 *   <li>Any other errno (EBADF, EINVAL, ENXIO): the ring is unusable. What the kernel has may still be written to, so
 *       no request on it can be answered, now or later: the owner of the process is told once, to end it. Clients
 *       reconnect to the next.
 *   <li>What a handle's completion throws: the other completions of the batch are still in the queue, and served by the
 *       next turn.
 * </ol>
 *
 * <p>Confined to the loop.
 */
final class GuardedIoHandler implements IoHandler {
    private static final Logger LOG = LoggerFactory.getLogger(GuardedIoHandler.class);

    private static final int ENOBUFS = 105;

    /** Long enough to be no load, short enough to be no stall. */
    private static final long RETRY_NANOS = 1_000_000;

    private static final long LOG_PERIOD_NANOS = 1_000_000_000;

    private final IoHandler netty;
    private final Consumer<Throwable> lost;
    private boolean isLost;
    private boolean logged;
    private long loggedNanos;

    /** @param lost told once if the loop can do no I/O any more, on the loop */
    GuardedIoHandler(IoHandler netty, Consumer<Throwable> lost) {
        this.netty = netty;
        this.lost = lost;
    }

    /** Guards what the factory makes. */
    static IoHandlerFactory guard(IoHandlerFactory factory, Consumer<Throwable> lost) {
        return new IoHandlerFactory() {
            @Override
            public IoHandler newHandler(ThreadAwareExecutor executor) {
                return new GuardedIoHandler(factory.newHandler(executor), lost);
            }

            @Override
            public boolean isChangingThreadSupported() {
                return factory.isChangingThreadSupported();
            }
        };
    }

    @Override
    public int run(IoHandlerContext context) {
        try {
            return netty.run(context);
        } catch (Throwable fault) {
            failed(fault);
            return 0;
        }
    }

    private void failed(Throwable fault) {
        int errno = SubmissionQueue.errnoOf(fault);
        if (errno == Errno.OK || isTransient(errno)) {
            log(fault, errno);
        } else if (!isLost) {
            isLost = true;
            LOG.error("the loop's I/O is unusable: {}", Errno.name(errno), fault);
            lost.accept(fault);
        }
        LockSupport.parkNanos(RETRY_NANOS);
    }

    private static boolean isTransient(int errno) {
        return errno == Errno.EINTR
                || errno == Errno.EAGAIN
                || errno == Errno.EBUSY
                || errno == Errno.ENOMEM
                || errno == ENOBUFS;
    }

    private void log(Throwable fault, int errno) {
        long now = System.nanoTime();
        if (logged && now - loggedNanos < LOG_PERIOD_NANOS) {
            return;
        }
        logged = true;
        loggedNanos = now;
        if (errno == Errno.OK) {
            LOG.error("internal error in a completion", fault);
        } else {
            LOG.warn("the kernel takes no I/O now ({}); trying again", Errno.name(errno));
        }
    }

    @Override
    public void initialize() {
        netty.initialize();
    }

    @Override
    public void prepareToDestroy() {
        try {
            netty.prepareToDestroy();
        } catch (Throwable fault) {
            failed(fault);
        }
    }

    @Override
    public void destroy() {
        netty.destroy();
    }

    @Override
    public IoRegistration register(IoHandle handle) throws Exception {
        return netty.register(handle);
    }

    @Override
    public void wakeup() {
        netty.wakeup();
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return netty.isCompatible(handleType);
    }
}

package dev.gossamer.io;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a device has lost writes that it had answered. One object per open device, shared by all who use it: pool,
 * classic snapshots, exports.
 *
 * <p>The kernel tells of a lost write once, to whoever flushes next, and the flush after that succeeds. So the first
 * failure is remembered here until the device is opened again: every later FLUSH fails with EIO and does not reach the
 * device (NBD T27). Reads and writes go on. A FUA write speaks for itself alone and goes on too; who promises more with
 * it, as a volume does, flushes.
 *
 * <p>What counts: a FLUSH that fails, whoever asked for it; a FUA write that fails, as its sync may have taken the
 * report of an earlier write. What does not: a write that fails without FUA, because its requester has been told and
 * nothing that was answered is gone; a FUA write that was refused; one that found no space, unless the device writes
 * through the page cache, where what was answered before may be what found none; a device that is shut down; and what
 * the device was never asked for (ECANCELED).
 *
 * <p>Known is what loops have been told: a device that is flushed from several has one FLUSH under way at a time, or
 * the report could lie unread on one loop while the next FLUSH of another succeeds.
 *
 * <p>All methods: any thread. What is remembered needs no memory, and no watcher that throws keeps it from others.
 */
public final class DeviceHealth {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceHealth.class);

    private final Object device;
    private final boolean buffered;
    private final AtomicBoolean failed = new AtomicBoolean();
    // Words for it, a moment later.
    private volatile String failure = "it has lost writes; flushes fail until it is opened again";
    private final List<Consumer<String>> watchers = new CopyOnWriteArrayList<>();
    private final BlockCompletion afterFlush = this::afterFlush;
    private final BlockCompletion afterFua = this::afterFua;

    /** @param device names it */
    public DeviceHealth(Object device) {
        this(device, false);
    }

    /**
     * That of a device as it was opened.
     *
     * @param device names it
     * @param buffered writes are answered by the page cache, and find their space later
     */
    public DeviceHealth(Object device, boolean buffered) {
        this.device = device;
        this.buffered = buffered;
    }

    public boolean isFailed() {
        return failed.get();
    }

    /** One line for a person; empty while nothing is lost. */
    public String failure() {
        return isFailed() ? failure : "";
    }

    /** The watcher is told once of the first failure, on the thread that found it; here and now if that was before. */
    public void watch(Consumer<String> watcher) {
        watchers.add(watcher);
        if (isFailed() && watchers.remove(watcher)) {
            watcher.accept(failure());
        }
    }

    /** The watcher is not told any more. */
    public void unwatch(Consumer<String> watcher) {
        watchers.remove(watcher);
    }

    /** Answered writes are gone, or may be. Only the first call counts. */
    public void fail(String what) {
        fail(what, Errno.OK);
    }

    // That it has failed comes first. What tells of it may throw, for want of memory too, and is not what counts.
    @SuppressWarnings("ModifyCollectionInEnhancedForLoop") // the list is copied on write
    private void fail(String what, int errno) {
        if (!failed.compareAndSet(false, true)) {
            return;
        }
        try {
            String error = errno == Errno.OK ? "" : ": " + Errno.name(errno);
            failure = device + ": " + what + error
                    + "; writes before it may be lost, flushes fail until it is opened again";
            LOG.error(failure);
        } catch (Throwable unspeakable) {
            told(unspeakable);
        }
        for (Consumer<String> watcher : watchers) {
            try {
                if (watchers.remove(watcher)) {
                    watcher.accept(failure);
                }
            } catch (Throwable itsOwn) {
                told(itsOwn);
            }
        }
    }

    private static void told(Throwable fault) {
        try {
            LOG.error("whoever should hear of lost writes has not", fault);
        } catch (Throwable unspeakable) {
            // There is no memory even for that: every FLUSH tells.
        }
    }

    /** Lets a request pass to the device, and learns how it ends. False: it has ended here, with EIO. On its loop. */
    public boolean admit(BlockRequest request) {
        if (request.operation() == BlockOperation.FLUSH) {
            if (isFailed()) {
                request.complete(Errno.EIO);
                return false;
            }
            request.push(afterFlush);
        } else if (request.hasFlag(BlockRequest.FUA) && request.operation() != BlockOperation.READ) {
            request.push(afterFua);
        }
        return true;
    }

    /** A FLUSH has ended so, whoever asked for it. */
    public void flushed(int errno) {
        if (errno != Errno.OK && errno != Errno.ESHUTDOWN && errno != Errno.ECANCELED) {
            fail("FLUSH failed", errno);
        }
    }

    /** A request with FUA has ended so. */
    public void wroteThrough(int errno) {
        if (errno != Errno.OK && !isRefusal(errno)) {
            fail("a write with FUA failed", errno);
        }
    }

    // Another loop's flush may have met the failure that this one would have met.
    private void afterFlush(BlockRequest request, int errno) {
        flushed(errno);
        request.complete(errno == Errno.OK && isFailed() ? Errno.EIO : errno);
    }

    private void afterFua(BlockRequest request, int errno) {
        wroteThrough(errno);
        request.complete(errno);
    }

    /** Whether nothing was written: the sync after a write does not say so, or says it again. */
    private boolean isRefusal(int errno) {
        return switch (errno) {
            case Errno.EINVAL,
                    Errno.EROFS,
                    Errno.EPERM,
                    Errno.EOPNOTSUPP,
                    Errno.EFBIG,
                    Errno.EAGAIN,
                    Errno.ECANCELED,
                    Errno.ESHUTDOWN -> true;
            case Errno.ENOSPC, Errno.EDQUOT -> !buffered;
            default -> false;
        };
    }
}

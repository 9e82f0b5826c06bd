package dev.gossamer.io.posix;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine.FileAction;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.worker.LoopInbox;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The fdatasync(2) calls of one device: at most one at a time, whichever loops ask. Who asks meanwhile waits, and all
 * who wait share the next one. With many clients that flush after each write, a disk does as many flushes as it can and
 * no more.
 *
 * <p>A sync covers what had been written when it began, so a request never shares one that began before it came. The
 * kernel tells of a lost write once. Since no other sync is under way then, whoever is told notes it
 * ({@link DeviceHealth}) before anybody can be told that all is well.
 *
 * <p>A call is made by the loop that asked when none was under way, or that made the one before; answers go to each
 * request's loop. A loop that cannot make it, for want of memory or of room in its ring, ends its own requests with
 * ECANCELED, as the device was never asked; those of other loops try there. A thread that waits for its own call
 * ({@link dev.gossamer.io.InlineLoop}) makes it alone, and hears of its end at once.
 *
 * <p>Any thread. Never longer than the number of requests that connections may have under way.
 */
final class DeviceSyncs implements ServedDevice {
    /** More loops than a machine is given; those beyond it make calls of their own. */
    private static final int KNOWN_LOOPS = 64;

    private final int fileDescriptor;
    private final DeviceHealth health;
    private final BlockCompletion whenDone = this::done;
    private final RequestStack asking = new RequestStack();
    private final AtomicReferenceArray<Answers> answers = new AtomicReferenceArray<>(KNOWN_LOOPS);

    // Whoever has set it has what follows it, and hands that on with it.
    private final AtomicBoolean underWay = new AtomicBoolean();
    private final RequestQueue sharing = new RequestQueue();

    private record Answers(IoLoop loop, LoopInbox inbox) {}

    DeviceSyncs(int fileDescriptor, DeviceHealth health) {
        this.fileDescriptor = fileDescriptor;
        this.health = health;
    }

    /** Completes the request after a sync that begins now or later. On its loop. */
    void submit(BlockRequest request) {
        IoLoop loop = request.loop();
        int index = loop.index();
        if (index < 0 || index >= KNOWN_LOOPS) {
            call(request);
            return;
        }
        Answers known = answersOf(loop, index);
        if (known == null) {
            request.complete(Errno.ECANCELED);
        } else if (known.loop().equals(loop)) {
            asking.push(request);
            beginNext(loop);
        } else {
            call(request);
        }
    }

    /** Others may make the call, so all that an answer needs is made before. Null if there is no memory for that. */
    private Answers answersOf(IoLoop loop, int index) {
        Answers known = answers.get(index);
        if (known == null) {
            try {
                known = new Answers(loop, new LoopInbox(loop));
                answers.set(index, known);
            } catch (OutOfMemoryError noMemory) {
                return null;
            }
        }
        return known;
    }

    private void call(BlockRequest request) {
        request.loop().files().submit(FileAction.SYNC, fileDescriptor, request);
    }

    private void beginNext(IoLoop loop) {
        while (!asking.isEmpty() && underWay.compareAndSet(false, true)) {
            asking.takeInto(sharing);
            if (sharing.isEmpty()) {
                underWay.set(false); // Another has taken and served them meanwhile.
            } else {
                begin(loop);
            }
        }
    }

    private void begin(IoLoop loop) {
        BlockRequest sync;
        try {
            sync = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
        } catch (OutOfMemoryError noMemory) {
            notBegun(loop);
            return;
        }
        sync.push(whenDone);
        int seen = sync.takings();
        try {
            call(sync);
        } catch (Throwable bug) {
            loop.faults().caught(bug);
            if (sync.takings() == seen) {
                sync.complete(Errno.ECANCELED);
            }
        }
    }

    private void done(BlockRequest sync, int errno) {
        IoLoop loop = sync.loop();
        sync.recycle();
        if (errno == Errno.ECANCELED) {
            notBegun(loop);
        } else {
            health.flushed(errno);
            ended(loop, errno);
        }
    }

    private void notBegun(IoLoop loop) {
        BlockRequest chain = sharing.takeAll();
        underWay.set(false);
        while (chain != null) {
            BlockRequest request = chain;
            chain = RequestQueue.unlink(request);
            if (request.loop().equals(loop)) {
                request.complete(Errno.ECANCELED);
            } else {
                request.park(this);
                handBack(request, SERVE_AGAIN);
            }
        }
        beginNext(loop); // for those who have come meanwhile
    }

    private void ended(IoLoop loop, int errno) {
        BlockRequest chain = sharing.takeAll();
        underWay.set(false);
        beginNext(loop);
        while (chain != null) {
            BlockRequest request = chain;
            chain = RequestQueue.unlink(request);
            answer(loop, request, errno);
        }
    }

    private void answer(IoLoop loop, BlockRequest request, int errno) {
        if (request.loop().equals(loop)) {
            request.complete(errno);
        } else {
            handBack(request, errno);
        }
    }

    private void handBack(BlockRequest request, int verdict) {
        request.decide(verdict);
        answers.get(request.loop().index()).inbox().add(request);
    }

    /** One that another loop could not make the call for. */
    @Override
    public void serve(BlockRequest request) {
        submit(request);
    }

    @Override
    public void admit(BlockRequest request) {
        throw new AssertionError("there is no worker");
    }

    @Override
    public boolean isAbandoned() {
        return false;
    }
}

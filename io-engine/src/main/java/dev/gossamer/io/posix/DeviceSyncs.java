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
import dev.gossamer.io.worker.LoopInbox;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;

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
 * request's loop. A thread that waits for its own call ({@link dev.gossamer.io.InlineLoop}) makes it alone, and hears
 * of its end at once.
 *
 * <p>Any thread. Never longer than the number of requests that connections may have under way.
 */
final class DeviceSyncs {
    /** More loops than a machine is given; those beyond it make calls of their own. */
    private static final int KNOWN_LOOPS = 64;

    private final int fileDescriptor;
    private final DeviceHealth health;
    private final BlockCompletion whenDone = this::done;
    private final Consumer<BlockRequest> makesCall = this::call;
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
        if (canBeAnswered(loop)) {
            asking.push(request);
            beginNext(loop);
        } else {
            call(request);
        }
    }

    /** Others may make the call, so all that an answer needs is made before. */
    private boolean canBeAnswered(IoLoop loop) {
        int index = loop.index();
        if (index < 0 || index >= KNOWN_LOOPS) {
            return false;
        }
        Answers known = answers.get(index);
        if (known == null) {
            known = new Answers(loop, new LoopInbox(loop));
            answers.set(index, known);
        }
        return known.loop().equals(loop);
    }

    private void call(BlockRequest request) {
        request.loop().files().submit(FileAction.SYNC, fileDescriptor, request);
    }

    private void beginNext(IoLoop loop) {
        while (!asking.isEmpty() && underWay.compareAndSet(false, true)) {
            asking.takeInto(sharing);
            if (!sharing.isEmpty()) {
                begin(loop);
                return;
            }
            underWay.set(false); // Another has taken and served them meanwhile.
        }
    }

    private void begin(IoLoop loop) {
        BlockRequest sync;
        try {
            sync = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            sync.push(whenDone);
        } catch (RuntimeException | Error noMemory) {
            loop.faults().caught(noMemory);
            ended(loop, Errno.EIO);
            return;
        }
        sync.guard(makesCall);
    }

    private void done(BlockRequest sync, int errno) {
        IoLoop loop = sync.loop();
        sync.recycle();
        health.flushed(errno);
        ended(loop, errno);
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
            request.decide(errno);
            answers.get(request.loop().index()).inbox().add(request);
        }
    }
}

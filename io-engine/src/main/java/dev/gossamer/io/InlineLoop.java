package dev.gossamer.io;

import dev.gossamer.io.buffer.IoBufferPool;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * The loop of a thread that waits for its I/O ({@link BlockingIo}). What is executed by its own thread runs at once;
 * what comes from another thread runs when this one waits.
 *
 * <p>The owner is the thread that last called {@link #adopt}, at first the one that made the loop.
 */
public final class InlineLoop implements IoLoop {
    private final Faults faults = new Faults("inline loop");
    private final RequestPool requests = new RequestPool(this);
    private final IoBufferPool buffers;
    private final FileEngine files;
    // Written by other threads, read by the owner; never long, since the owner has one request under way.
    private final ConcurrentLinkedQueue<Runnable> inbox = new ConcurrentLinkedQueue<>();
    private volatile Thread owner = Thread.currentThread();

    public InlineLoop(FileEngine files, IoBufferPool buffers) {
        this.files = files;
        this.buffers = buffers;
        buffers.tellFaultsTo(faults::caught);
    }

    /** Makes the calling thread the owner: a worker does so before it first uses what it was given. */
    public void adopt() {
        owner = Thread.currentThread();
    }

    /** Not one of the process's I/O loops. */
    @Override
    public int index() {
        return -1;
    }

    @Override
    public boolean inLoop() {
        return Thread.currentThread().threadId() == owner.threadId();
    }

    @Override
    public void execute(Runnable task) {
        if (inLoop()) {
            faults.run(task);
        } else {
            inbox.add(task);
            LockSupport.unpark(owner);
        }
    }

    /** Waiting is the owner's business: nothing that needs a timer belongs on this loop. */
    @Override
    public void schedule(Runnable task, long delayNanos) {
        throw new UnsupportedOperationException("an inline loop has no timers");
    }

    @Override
    public Faults faults() {
        return faults;
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public RequestPool requests() {
        return requests;
    }

    @Override
    public IoBufferPool buffers() {
        return buffers;
    }

    @Override
    public FileEngine files() {
        return files;
    }

    /** Runs one task that came from another thread, or sleeps until there may be one. For the owner, while it waits. */
    public void runOrPark() {
        Runnable task = inbox.poll();
        if (task != null) {
            faults.run(task);
        } else {
            LockSupport.park(this);
        }
    }
}

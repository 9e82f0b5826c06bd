package dev.gossamer.io.posix;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine.FileAction;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Threads that wait in system calls so that loops need not. Shared by the {@link ThreadFileEngine}s of all loops.
 *
 * <p>The queue has no limit of its own: its entries are requests, and these are limited where they come in.
 */
public final class FileThreads implements AutoCloseable {
    /** What was measured to keep a fast disk busy; more threads only add switches. */
    public static final int FOR_ALL_IO = 16;

    /** Beside an io_uring, for the few calls that it does not know. */
    public static final int FOR_RARE_CALLS = 2;

    /** One action under way; reused by the engine that made it. */
    static final class Task {
        final ThreadFileEngine engine;
        FileAction action;
        int fileDescriptor;
        BlockRequest request;
        int errno;
        int firstLook;
        Task next;

        Task(ThreadFileEngine engine) {
            this.engine = engine;
        }
    }

    // Guards everything below: written by loops (enqueue) and by our threads (dequeue).
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition available = lock.newCondition();
    private final Thread[] threads;
    private Task first;
    private Task last;
    private boolean closed;

    public FileThreads(int count) {
        threads = new Thread[count];
        for (int i = 0; i < count; i++) {
            threads[i] = Thread.ofPlatform().name("gossamer-file-" + i).daemon().unstarted(this::work);
        }
        try {
            for (Thread thread : threads) {
                thread.start();
            }
        } catch (Throwable noMore) {
            close();
            throw noMore;
        }
    }

    void enqueue(Task task) {
        lock.lock();
        try {
            task.next = null;
            if (first == null) {
                first = task;
            } else {
                last.next = task;
            }
            last = task;
            available.signal();
        } finally {
            lock.unlock();
        }
    }

    private void work() {
        for (Task task = dequeue(); task != null; task = dequeue()) {
            task.errno = run(task);
            task.engine.finished(task);
        }
    }

    /** What the call throws, for want of memory perhaps, is its request's: the thread goes on. */
    private static int run(Task task) {
        try {
            return FileCalls.run(task.action, task.fileDescriptor, task.request);
        } catch (Throwable fault) {
            task.request.loop().faults().caught(fault);
            return Errno.EIO;
        }
    }

    private Task dequeue() {
        lock.lock();
        try {
            while (first == null && !closed) {
                available.awaitUninterruptibly();
            }
            Task task = first;
            if (task != null) {
                first = task.next;
            }
            return task;
        } finally {
            lock.unlock();
        }
    }

    /** Carries out what is queued, then ends the threads and waits for them. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            available.signalAll();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

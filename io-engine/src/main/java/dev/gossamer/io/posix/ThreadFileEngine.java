package dev.gossamer.io.posix;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StallLook;
import dev.gossamer.io.Wakeup;
import java.util.ArrayList;
import java.util.List;

/**
 * File I/O of one loop on {@link FileThreads}, for systems where io_uring is missing or forbidden.
 *
 * <p>Finished requests gather in a list; the loop is woken when the list stops being empty and takes all of it.
 */
public final class ThreadFileEngine implements FileEngine {
    private final FileThreads threads;

    // Confined to the loop.
    private IoLoop loop;
    // Set with the loop; the threads see it, as they see their task, through its queue.
    private Wakeup deliver;
    private FileThreads.Task free;
    // All that were made; those under way have a request.
    private final List<FileThreads.Task> tasks = new ArrayList<>();

    // Guarded by this object's monitor, held for a few instructions: written by the threads, emptied by the loop.
    private FileThreads.Task firstFinished;
    private FileThreads.Task lastFinished;

    public ThreadFileEngine(FileThreads threads) {
        this.threads = threads;
    }

    @Override
    public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
        FileThreads.Task task = taskFor(request.loop());
        if (task == null) {
            request.complete(Errno.ECANCELED);
            return;
        }
        task.action = action;
        task.fileDescriptor = fileDescriptor;
        task.request = request;
        task.firstLook = StallLook.UNSEEN;
        request.taken();
        threads.enqueue(task);
    }

    /** Null if there is no memory for it: nothing is begun then. */
    private FileThreads.Task taskFor(IoLoop itsLoop) {
        Invariant.check(loop == null || loop.equals(itsLoop), "an engine serves one loop");
        FileThreads.Task task = free;
        if (task != null) {
            free = task.next;
            return task;
        }
        try {
            if (loop == null) {
                deliver = new Wakeup(itsLoop, this::deliver);
                loop = itsLoop;
            }
            task = new FileThreads.Task(this);
            tasks.add(task);
            return task;
        } catch (OutOfMemoryError noMemory) {
            return null;
        }
    }

    void finished(FileThreads.Task task) {
        task.next = null;
        boolean wake;
        synchronized (this) {
            wake = firstFinished == null;
            if (wake) {
                firstFinished = task;
            } else {
                lastFinished.next = task;
            }
            lastFinished = task;
        }
        if (wake && !deliver.call()) {
            deliver(); // the loop has no thread any more
        }
    }

    private void deliver() {
        FileThreads.Task task;
        synchronized (this) {
            task = firstFinished;
            firstFinished = null;
        }
        // Completing does not throw: none of the rest is lost.
        while (task != null) {
            FileThreads.Task following = task.next;
            deliver(task);
            task = following;
        }
    }

    private void deliver(FileThreads.Task task) {
        BlockRequest request = task.request;
        int errno = task.errno;
        task.request = null;
        task.next = free;
        free = task;
        request.complete(errno);
    }

    @Override
    public void show(StallLook look) {
        for (FileThreads.Task task : tasks) {
            if (task.request != null) {
                task.firstLook = look.sees(task.fileDescriptor, task.firstLook);
            }
        }
    }

    @Override
    public String name() {
        return "threads";
    }
}

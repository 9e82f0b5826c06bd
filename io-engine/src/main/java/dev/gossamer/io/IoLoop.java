package dev.gossamer.io;

import dev.gossamer.io.buffer.IoBufferPool;
import java.util.concurrent.Executor;

/**
 * A thread that owns requests and buffers, and the way to run something on it.
 *
 * <p>What a task throws ends in the loop's {@link Faults}; the loop goes on.
 *
 * <p>Connections live on I/O loops, a pool's metadata on its worker's loop. Tests run several loops on one thread.
 */
public interface IoLoop extends Executor {

    /** Position of this loop among those of the process, from 0; lets others keep an array with one slot per loop. */
    int index();

    /** Whether the caller runs on this loop. */
    boolean inLoop();

    /** Runs a task on this loop later, in order of arrival. Callable from any thread; orders memory between the two. */
    @Override
    void execute(Runnable task);

    /**
     * Runs a task on this loop once the delay has passed. It cannot be taken back: the task looks whether it is still
     * wanted.
     */
    void schedule(Runnable task, long delayNanos);

    /** What becomes of what code on this loop throws. Callable from any thread. */
    Faults faults();

    /** The loop's clock, for intervals. */
    long nanoTime();

    /** Requests of this loop; for its thread only. */
    RequestPool requests();

    /** Buffers of this loop; for its thread only. */
    IoBufferPool buffers();

    /** How requests of this loop reach files and block devices; for its thread only. */
    FileEngine files();
}

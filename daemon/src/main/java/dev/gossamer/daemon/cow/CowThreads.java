package dev.gossamer.daemon.cow;

import java.util.concurrent.Executor;

/**
 * Where what may wait is run.
 *
 * @param losses records that a snapshot is lost, while a change may wait for the worker that waits for this
 * @param changes ends a merge, as soon as no other change is under way
 */
record CowThreads(Executor losses, Executor changes) {
    /** A thread for each. */
    static final CowThreads VIRTUAL = new CowThreads(Thread::startVirtualThread, Thread::startVirtualThread);
}

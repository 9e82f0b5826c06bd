package dev.gossamer.daemon.cow;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Where what may wait is run.
 *
 * @param losses records that a snapshot is lost, while a change may wait for the worker that waits for this
 * @param changes ends a merge, as soon as no other change is under way
 */
record CowThreads(Executor losses, Executor changes) {
    /**
     * A thread of the platform for each, of the process, which is there before it is needed: held writes wait for a
     * loss, and virtual threads may all be in the hands of devices that hang. Each snapshot is lost, or merged, once.
     */
    static final CowThreads OWN = new CowThreads(thread("gossamer-losses"), thread("gossamer-merges"));

    private static Executor thread(String name) {
        ThreadPoolExecutor one = new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name(name).factory());
        one.prestartCoreThread();
        return one;
    }
}

package dev.gossamer.daemon.cow;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Where what may wait is run.
 *
 * @param losses records that a snapshot is lost, while a change may wait for the worker that waits for this
 * @param changes ends merges, each as soon as no other change of its origin is under way
 */
record CowThreads(Executor losses, Executor changes) {
    /** Merges whose stores hang when they are wiped; more wait for those. */
    private static final int MERGES_AT_ONCE = 8;

    /**
     * Threads of the platform, of the process, one of each there before it is needed: held writes wait for a loss, and
     * virtual threads may all be in the hands of devices that hang. Each snapshot is lost, or merged, once.
     */
    static final CowThreads OWN =
            new CowThreads(threads("gossamer-losses", 1), threads("gossamer-merges", MERGES_AT_ONCE));

    private static Executor threads(String name, int count) {
        ThreadPoolExecutor one = new ThreadPoolExecutor(
                count,
                count,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name(name).factory());
        one.prestartCoreThread();
        return one;
    }
}

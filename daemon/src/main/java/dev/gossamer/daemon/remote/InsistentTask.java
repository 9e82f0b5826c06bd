package dev.gossamer.daemon.remote;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;

/**
 * Work that has to come to its end though there may be no memory for it: made beforehand, and done again if it throws.
 * Each time it comes further. Any thread asks for it; the loop does it.
 */
final class InsistentTask implements Runnable {
    /** Then it is a bug that throws, and none of memory. */
    private static final int ATTEMPTS = 1000;

    private final IoLoop loop;
    private final Runnable work;
    private int attempts;

    /** @param work may be done twice, or broken off and done again */
    InsistentTask(IoLoop loop, Runnable work) {
        this.loop = loop;
        this.work = work;
    }

    void call() {
        Wakeup.call(loop, this);
    }

    @Override
    public void run() {
        try {
            work.run();
        } catch (RuntimeException | Error again) {
            if (++attempts == ATTEMPTS) {
                throw again;
            }
            call();
        }
    }
}

package dev.gossamer.daemon.cow;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One change at a time, of an origin and its snapshots: a device that hangs keeps back who changes the same origin, and
 * nobody else. Changes may wait and begin again within each other; what must not wait follows them.
 */
final class OneChange {
    private final ReentrantLock lock = new ReentrantLock();
    // As many as an origin has merges that have ended: one, and those that were asked for twice.
    private final Queue<Runnable> following = new ArrayDeque<>();

    void begin() {
        lock.lock();
    }

    void end() {
        lock.unlock();
        if (!lock.isHeldByCurrentThread()) {
            follow();
        }
    }

    /** Runs a change as soon as no other is under way: now, or on the thread of the one that is. */
    void whenFree(Runnable change) {
        synchronized (following) {
            following.add(change);
        }
        follow();
    }

    /** Who ends a change looks once more after it has let go, so that nothing stays behind. */
    private void follow() {
        while (isAnyLeft() && lock.tryLock()) {
            try {
                Runnable next = next();
                if (next != null) {
                    next.run();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private boolean isAnyLeft() {
        synchronized (following) {
            return !following.isEmpty();
        }
    }

    private Runnable next() {
        synchronized (following) {
            return following.poll();
        }
    }
}

package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;
import java.util.ArrayDeque;
import java.util.Iterator;

/**
 * The connections of a loop that wait for transfer memory. A release wakes those that it helps, one after the other in
 * the order in which they came, and nobody else: a thousand that wait for what there is not would otherwise have the
 * loop look at each of their requests again whenever somebody gives back a page. Confined to the loop.
 */
final class MemoryWaiters {
    private final IoLoop loop;
    // Bounded by the loop's connections: each stands here once.
    private final ArrayDeque<HeldMemory> waiting = new ArrayDeque<>();
    private final Runnable onReleased = this::released;
    private final Runnable wakeTask = this::wakeNext;
    private long releases;
    private boolean listening;
    private boolean looking;

    /**
     * Nobody waits.
     *
     * @param loop itself, not as one of its connections sees it: what is thrown here is nobody's
     */
    MemoryWaiters(IoLoop loop) {
        this.loop = loop;
    }

    void add(HeldMemory waiter) {
        waiting.add(waiter);
        listen();
    }

    int count() {
        return waiting.size();
    }

    private void listen() {
        if (!listening && !waiting.isEmpty()) {
            loop.buffers().whenReleased(onReleased);
            listening = true; // not if that has thrown: the next one asks again
        }
    }

    void remove(HeldMemory waiter) {
        waiting.remove(waiter);
    }

    private void released() {
        listening = false;
        releases++;
        look();
        listen();
    }

    /** Not here, maybe deep in another connection's completion. */
    private void look() {
        looking = looking || Wakeup.call(loop, wakeTask);
    }

    private void wakeNext() {
        looking = false;
        for (Iterator<HeldMemory> all = waiting.iterator(); all.hasNext(); ) {
            HeldMemory next = all.next();
            if (next.isHelpedBy(releases)) {
                all.remove();
                next.wake();
                look(); // It may leave something.
                return;
            }
        }
    }
}

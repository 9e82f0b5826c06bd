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
    // Bounded by the loop's connections.
    private final ArrayDeque<HeldMemory> waiting = new ArrayDeque<>();
    private long releases;
    private boolean listening;
    private boolean looking;

    void add(HeldMemory waiter, IoLoop loop) {
        waiting.add(waiter);
        listen(loop);
    }

    private void listen(IoLoop loop) {
        if (!listening && !waiting.isEmpty()) {
            listening = true;
            loop.buffers().whenReleased(() -> {
                listening = false;
                released(loop);
            });
        }
    }

    void remove(HeldMemory waiter) {
        waiting.remove(waiter);
    }

    private void released(IoLoop loop) {
        releases++;
        listen(loop);
        if (!looking) {
            looking = true;
            // Not here, maybe deep in another connection's completion.
            Wakeup.call(loop, () -> wakeNext(loop));
        }
    }

    private void wakeNext(IoLoop loop) {
        looking = false;
        for (Iterator<HeldMemory> all = waiting.iterator(); all.hasNext(); ) {
            HeldMemory next = all.next();
            if (next.isHelpedBy(releases)) {
                all.remove();
                looking = true;
                next.wake();
                Wakeup.call(loop, () -> wakeNext(loop)); // It may have left something.
                return;
            }
        }
    }
}

package dev.gossamer.io;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Hands requests from many threads to one, without locks or allocation: a stack linked through the requests, taken
 * whole and turned round. Never longer than the requests that connections may have under way. Whoever finds it empty
 * wakes the taker, and if that fails, takes it himself and answers: who comes later relies on that.
 */
public final class RequestStack {
    // Pushed with a compare-and-set by any thread, emptied whole: what the pusher wrote into a request is seen by the
    // taker.
    private final AtomicReference<BlockRequest> head = new AtomicReference<>();

    /** Adds a request. @return whether the stack was empty: then the taker wants waking, else it is awake already */
    public boolean push(BlockRequest request) {
        request.taken();
        BlockRequest seen;
        do {
            seen = head.get();
            request.next = seen;
        } while (!head.compareAndSet(seen, request));
        return seen == null;
    }

    public boolean isEmpty() {
        return head.get() == null;
    }

    /** Takes everything, in order of arrival, to the end of a queue of the caller's. */
    public void takeInto(RequestQueue queue) {
        BlockRequest oldest = takeAll();
        while (oldest != null) {
            BlockRequest above = oldest.next;
            queue.add(oldest);
            oldest = above;
        }
    }

    /** Takes everything, in order of arrival. Any thread: what it takes, nobody else will. */
    public void takeEach(Consumer<BlockRequest> taker) {
        BlockRequest oldest = takeAll();
        while (oldest != null) {
            BlockRequest above = oldest.next;
            oldest.next = null;
            taker.accept(oldest);
            oldest = above;
        }
    }

    private BlockRequest takeAll() {
        BlockRequest newest = head.getAndSet(null);
        BlockRequest oldest = null;
        while (newest != null) {
            BlockRequest below = newest.next;
            newest.next = oldest;
            oldest = newest;
            newest = below;
        }
        return oldest;
    }
}

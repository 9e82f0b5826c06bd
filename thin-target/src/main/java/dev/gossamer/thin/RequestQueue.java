package dev.gossamer.thin;

import dev.gossamer.io.BlockRequest;

/** A first-in-first-out queue linked through the requests; one thread. */
final class RequestQueue {
    private BlockRequest head;
    private BlockRequest tail;

    void add(BlockRequest request) {
        request.next = null;
        if (tail == null) {
            head = request;
        } else {
            tail.next = request;
        }
        tail = request;
    }

    BlockRequest poll() {
        BlockRequest first = head;
        if (first != null) {
            head = first.next;
            if (head == null) {
                tail = null;
            }
            first.next = null;
        }
        return first;
    }

    /** The first request; the others follow by {@code next}. Null if there is none. */
    BlockRequest peek() {
        return head;
    }

    boolean isEmpty() {
        return head == null;
    }

    boolean hasOne() {
        return head != null && head.equals(tail);
    }

    /** Moves everything to the end of another queue. */
    void moveTo(RequestQueue other) {
        for (BlockRequest r = poll(); r != null; r = poll()) {
            other.add(r);
        }
    }
}

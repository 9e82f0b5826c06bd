package dev.gossamer.io;

/** A first-in-first-out queue linked through the requests; one thread. */
public final class RequestQueue {
    private BlockRequest head;
    private BlockRequest tail;
    private int size;

    public void add(BlockRequest request) {
        size++;
        request.taken();
        request.next = null;
        if (tail == null) {
            head = request;
        } else {
            tail.next = request;
        }
        tail = request;
    }

    public BlockRequest poll() {
        BlockRequest first = head;
        if (first != null) {
            size--;
            head = first.next;
            if (head == null) {
                tail = null;
            }
            first.next = null;
        }
        return first;
    }

    /** The first request, null if there is none; the others follow by {@link #after}. */
    public BlockRequest peek() {
        return head;
    }

    /** The one behind a request of this queue, null if that is the last. */
    public BlockRequest after(BlockRequest request) {
        return request.next;
    }

    public int size() {
        return size;
    }

    public boolean isEmpty() {
        return head == null;
    }

    public boolean hasOne() {
        return head != null && head.equals(tail);
    }

    /** Empties the queue: the first of a chain that {@link #unlink} takes apart; null if there is none. */
    public BlockRequest takeAll() {
        BlockRequest first = head;
        head = null;
        tail = null;
        size = 0;
        return first;
    }

    /** Takes the first request off a chain. @return the one behind it; null if it was the last */
    public static BlockRequest unlink(BlockRequest first) {
        BlockRequest following = first.next;
        first.next = null;
        return following;
    }

    /** Moves everything to the end of another queue. */
    public void moveTo(RequestQueue other) {
        for (BlockRequest r = poll(); r != null; r = poll()) {
            other.add(r);
        }
    }
}

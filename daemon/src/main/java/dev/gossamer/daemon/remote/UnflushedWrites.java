package dev.gossamer.daemon.remote;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** The answered writes of one link that no FLUSH covers yet, oldest first. Confined to the link's loop. */
final class UnflushedWrites {
    private final ArrayDeque<UnflushedWrite> writes = new ArrayDeque<>();
    // Changed by the loop alone, read by any thread.
    private final AtomicLong heldBytes = new AtomicLong();

    /** Takes over the write and its data. */
    void add(UnflushedWrite write) {
        writes.addLast(write);
        heldBytes.lazySet(heldBytes.get() + write.heldBytes());
    }

    /** Everything up to this position is stable. */
    void releaseUpTo(long sequence) {
        while (!writes.isEmpty() && writes.peekFirst().sequence() <= sequence) {
            UnflushedWrite write = writes.pollFirst();
            heldBytes.lazySet(heldBytes.get() - write.heldBytes());
            write.release();
        }
    }

    /** Any thread. */
    long heldBytes() {
        return heldBytes.get();
    }

    boolean isEmpty() {
        return writes.isEmpty();
    }

    /** Hands all of them over. */
    List<UnflushedWrite> takeAll() {
        List<UnflushedWrite> all = new ArrayList<>(writes);
        writes.clear();
        heldBytes.lazySet(0);
        return all;
    }
}

package dev.gossamer.daemon.remote;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** The answered writes of one link that no FLUSH covers yet, oldest first. Confined to the link's loop. */
final class UnflushedWrites {
    private final ArrayDeque<UnflushedWrite> writes = new ArrayDeque<>();
    private long heldBytes;

    /** Takes over the write and its data. */
    void add(UnflushedWrite write) {
        writes.addLast(write);
        heldBytes += write.heldBytes();
    }

    /** Everything up to this position is stable. */
    void releaseUpTo(long sequence) {
        while (!writes.isEmpty() && writes.peekFirst().sequence() <= sequence) {
            UnflushedWrite write = writes.pollFirst();
            heldBytes -= write.heldBytes();
            write.release();
        }
    }

    long heldBytes() {
        return heldBytes;
    }

    boolean isEmpty() {
        return writes.isEmpty();
    }

    /** Hands all of them over. */
    List<UnflushedWrite> takeAll() {
        List<UnflushedWrite> all = new ArrayList<>(writes);
        writes.clear();
        heldBytes = 0;
        return all;
    }
}

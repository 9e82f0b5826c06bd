package dev.gossamer.snapshot.copy;

import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Passes on what was numbered at its beginning in that order, whatever order it ends in (rule S-I2). What ends early
 * waits in a tree: a list makes a long queue of early ones quadratic. Worker's thread.
 */
public final class CommitOrder {
    // Bounded by what has been begun and not ended.
    private final TreeMap<Long, PendingRemap> early = new TreeMap<>();
    private long begun;
    private long nextToPass;

    /** The number of something that begins now. */
    public long next() {
        return begun++;
    }

    /** Whether nothing is under way: all that has begun has been passed on. */
    public boolean isEmpty() {
        return nextToPass == begun;
    }

    /** Something has ended; passes on what has its turn now, perhaps nothing. */
    public void ended(PendingRemap pending, Consumer<PendingRemap> pass) {
        early.put(pending.number, pending);
        while (!early.isEmpty() && early.firstKey() == nextToPass) {
            nextToPass++;
            pass.accept(early.pollFirstEntry().getValue());
        }
    }
}

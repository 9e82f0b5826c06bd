package dev.gossamer.snapshot.copy;

import dev.gossamer.snapshot.store.ChunkRemap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Which chunks of a snapshot are in its store, and where: written by the worker, read by loops without locks.
 *
 * <p>Three levels, of which the lower two are made when first needed; 8 bytes per chunk where chunks were changed in
 * groups of 64. An entry goes from "none" to a chunk once, and back only by a merge, which first keeps writers away. A
 * reader that sees an entry sees everything the worker did before it made it.
 *
 * <p>An entry is new at first: the snapshot's reads use it, but older ones may still be on their way to the origin, so
 * that nobody may write there yet. When they have come back it is {@link #settle settled}.
 */
public final class RemapTable {
    /** The chunk is not in the store. */
    public static final long NONE = -1;

    private static final int LEAF_BITS = 6;
    private static final int BRANCH_BITS = 12;

    private final AtomicReferenceArray<AtomicReferenceArray<AtomicLongArray>> root;
    private final long chunks;
    private long count;

    /** @param chunks chunk numbers are below this; at most {@link ChunkRemap#MAX_CHUNKS} */
    public RemapTable(long chunks) {
        this.chunks = chunks;
        this.root = new AtomicReferenceArray<>(Math.toIntExact((chunks >>> (LEAF_BITS + BRANCH_BITS)) + 1));
    }

    private long entry(long chunk) {
        if (chunk >= chunks) {
            return 0;
        }
        AtomicReferenceArray<AtomicLongArray> branch = root.get((int) (chunk >>> (LEAF_BITS + BRANCH_BITS)));
        if (branch == null) {
            return 0;
        }
        AtomicLongArray leaf = branch.get((int) (chunk >>> LEAF_BITS) & ((1 << BRANCH_BITS) - 1));
        return leaf == null ? 0 : leaf.get((int) chunk & ((1 << LEAF_BITS) - 1));
    }

    /** The chunk of the store, or {@link #NONE}, as for all chunks beyond the snapshot's end. Any thread. */
    public long get(long chunk) {
        // One more than the chunk is stored, so that a new leaf is all "none"; of a new entry the negative of that.
        return Math.abs(entry(chunk)) - 1;
    }

    public boolean contains(long chunk) {
        return get(chunk) != NONE;
    }

    /** Whether no read looks for the chunk in the origin any more. Any thread. */
    public boolean isSettled(long chunk) {
        return entry(chunk) > 0;
    }

    /** Entries. Worker's thread. */
    public long count() {
        return count;
    }

    /** Publishes a new entry. Worker's thread. @return false: there was one */
    public boolean record(long chunk, long newChunk) {
        return publish(chunk, -(newChunk + 1));
    }

    /** Reads that were on their way to the origin when the entry was recorded have come back. Worker's thread. */
    public void settle(long chunk) {
        leafOf(chunk).getAndUpdate((int) chunk & ((1 << LEAF_BITS) - 1), Math::abs);
    }

    /** Publishes an entry that is settled. Worker's thread. @return false: there was one */
    public boolean put(long chunk, long newChunk) {
        return publish(chunk, newChunk + 1);
    }

    private boolean publish(long chunk, long entry) {
        int inRoot = (int) (chunk >>> (LEAF_BITS + BRANCH_BITS));
        AtomicReferenceArray<AtomicLongArray> branch = root.get(inRoot);
        if (branch == null) {
            branch = new AtomicReferenceArray<>(1 << BRANCH_BITS);
            root.set(inRoot, branch);
        }
        int inBranch = (int) (chunk >>> LEAF_BITS) & ((1 << BRANCH_BITS) - 1);
        AtomicLongArray leaf = branch.get(inBranch);
        if (leaf == null) {
            leaf = new AtomicLongArray(1 << LEAF_BITS);
            branch.set(inBranch, leaf);
        }
        boolean isNew = leaf.getAndSet((int) chunk & ((1 << LEAF_BITS) - 1), entry) == 0;
        count += isNew ? 1 : 0;
        return isNew;
    }

    /** Withdraws an entry. Worker's thread. */
    public void remove(long chunk) {
        if (leafOf(chunk).getAndSet((int) chunk & ((1 << LEAF_BITS) - 1), 0) != 0) {
            count--;
        }
    }

    /** Of a chunk that has an entry. */
    private AtomicLongArray leafOf(long chunk) {
        return root.get((int) (chunk >>> (LEAF_BITS + BRANCH_BITS)))
                .get((int) (chunk >>> LEAF_BITS) & ((1 << BRANCH_BITS) - 1));
    }
}

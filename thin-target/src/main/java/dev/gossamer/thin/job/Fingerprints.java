package dev.gossamer.thin.job;

import dev.gossamer.io.Invariant;
import java.util.Arrays;

/**
 * Which data block was the first with some fingerprint: a table of fixed size, 8 bytes a slot, of which seven in eight
 * may be taken. A slot has the block, which needs 40 bits, and 24 bits of the fingerprint; where it is tells more of
 * that. What is told is a hint; blocks are compared before anything is done. Worker's thread.
 */
final class Fingerprints {
    /** Of {@link #putIfAbsent}: there was none. */
    static final long NONE = -1;

    private static final int BLOCK_BITS = 40;
    private static final long BLOCK_MASK = (1L << BLOCK_BITS) - 1;

    private final long[] slots;
    private final int most;
    private int size;

    /** @param entries room for so many, at least */
    Fingerprints(int entries) {
        slots = new long[Math.max(16, entries + entries / 7 + 1)];
        most = slots.length - 1;
        Arrays.fill(slots, NONE);
    }

    /** How many fit into so many bytes. */
    static int entriesIn(long bytes) {
        return Math.clamp(bytes / Long.BYTES / 8 * 7, 16, 1 << 30);
    }

    /** Notes a block. @return the block that has this fingerprint already; {@link #NONE}: now it is this one */
    long putIfAbsent(long fingerprint, long dataBlock) {
        int slot = slot(fingerprint);
        if (slots[slot] != NONE) {
            return slots[slot] & BLOCK_MASK;
        }
        if (size < most) {
            slots[slot] = tag(fingerprint) | dataBlock;
            size++;
        }
        return NONE;
    }

    /** The block that has a fingerprint; {@link #NONE} if there is none. */
    long get(long fingerprint) {
        long its = slots[slot(fingerprint)];
        return its == NONE ? NONE : its & BLOCK_MASK;
    }

    /** Has another block stand for all that have a fingerprint, of which one was noted. */
    void replace(long fingerprint, long dataBlock) {
        int slot = slot(fingerprint);
        Invariant.check(slots[slot] != NONE, "replaced what was never noted");
        slots[slot] = tag(fingerprint) | dataBlock;
    }

    /** Where it is, or would be. */
    private int slot(long fingerprint) {
        long tag = tag(fingerprint);
        int slot = (int) Math.multiplyHigh(mix(fingerprint) >>> 1, 2L * slots.length);
        for (int probes = 0; slots[slot] != NONE && (slots[slot] & ~BLOCK_MASK) != tag; probes++) {
            Invariant.check(probes < slots.length, "a table that is never full has a free slot");
            slot = slot + 1 == slots.length ? 0 : slot + 1;
        }
        return slot;
    }

    private static long tag(long fingerprint) {
        return mix(fingerprint) << BLOCK_BITS;
    }

    /** Place and tag depend on every bit: blocks that are equal in one half would be taken for each other otherwise. */
    private static long mix(long fingerprint) {
        long mixed = (fingerprint ^ (fingerprint >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }

    void clear() {
        Arrays.fill(slots, NONE);
        size = 0;
    }
}

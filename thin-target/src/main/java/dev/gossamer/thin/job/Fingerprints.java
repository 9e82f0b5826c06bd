package dev.gossamer.thin.job;

import dev.gossamer.io.Invariant;
import java.util.Arrays;

/**
 * Which data block was the first with some fingerprint: a table of fixed size, 16 bytes an entry. A fingerprint is a
 * hint; blocks are compared before anything is done. Worker's thread.
 */
final class Fingerprints {
    /** Of {@link #putIfAbsent}: there was none. */
    static final long NONE = -1;

    private final long[] fingerprints;
    private final long[] blocks;
    private final int mask;
    private int size;

    /** @param entries room for so many, at least */
    Fingerprints(int entries) {
        int slots = Integer.highestOneBit(Math.max(16, entries)) * 2;
        fingerprints = new long[slots];
        blocks = new long[slots];
        mask = slots - 1;
        Arrays.fill(blocks, NONE);
    }

    /** Notes a block. @return the block that has this fingerprint already; {@link #NONE}: now it is this one */
    long putIfAbsent(long fingerprint, long dataBlock) {
        int slot = slotOf(fingerprint);
        if (blocks[slot] != NONE) {
            return blocks[slot];
        }
        if (size < mask) {
            fingerprints[slot] = fingerprint;
            blocks[slot] = dataBlock;
            size++;
        }
        return NONE;
    }

    void clear() {
        Arrays.fill(blocks, NONE);
        size = 0;
    }

    private int slotOf(long fingerprint) {
        int slot = (int) ((fingerprint * 0x9E3779B97F4A7C15L) >>> 32) & mask;
        for (int probes = 0; blocks[slot] != NONE && fingerprints[slot] != fingerprint; probes++) {
            Invariant.check(probes <= mask, "a table that is never full has a free slot");
            slot = (slot + 1) & mask;
        }
        return slot;
    }
}

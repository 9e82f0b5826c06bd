package dev.gossamer.pdata.check;

import dev.gossamer.pdata.spacemap.BitmapLayout;
import java.util.HashMap;
import java.util.Map;

/** Counts references to blocks as they are found. Sparse: memory follows what is referred to, not the device. */
final class ReferenceTally {
    private final Map<Long, int[]> pieces = new HashMap<>();
    private final long blocks;

    /** @param blocks how many there can be */
    ReferenceTally(long blocks) {
        this.blocks = blocks;
    }

    /** Counts a reference. One to no possible block is left out: looking there is what reports it. */
    void add(long block) {
        if (block < 0 || block >= blocks) {
            return;
        }
        int[] piece = pieces.computeIfAbsent(block / BitmapLayout.ENTRIES, key -> new int[BitmapLayout.ENTRIES]);
        piece[(int) (block % BitmapLayout.ENTRIES)]++;
    }

    /** Counts of the blocks of one bitmap; null if there are no references to any of them. */
    int[] ofBitmap(long bitmap) {
        return pieces.get(bitmap);
    }
}

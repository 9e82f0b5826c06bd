package dev.gossamer.pdata.spacemap;

import java.util.List;

/**
 * Blocks that were freed by transactions before the running one and cannot be allocated yet, and what they take of
 * memory: a set for each bitmap that has some, however many transactions freed them, and the runs to give them back by.
 */
final class WithheldBlocks {
    private long blocks;
    private long runs;
    private int bitmaps;

    boolean isEmpty() {
        return blocks == 0;
    }

    long bytes() {
        return (long) bitmaps * Bitmap.SET_BYTES + runs * FreedBlocks.RUN_BYTES;
    }

    /** @param all the bitmaps that count them */
    void add(List<Bitmap> all, FreedBlocks freed) {
        for (int run = 0; run < freed.runs(); run++) {
            Bitmap bitmap = of(all, freed.firstBlock(run));
            bitmaps += bitmap.hasWithheld() ? 0 : 1;
            bitmap.withhold((int) (freed.firstBlock(run) % BitmapLayout.ENTRIES), freed.blocks(run));
        }
        blocks += freed.count();
        runs += freed.runs();
    }

    void remove(List<Bitmap> all, FreedBlocks freed) {
        for (int run = 0; run < freed.runs(); run++) {
            Bitmap bitmap = of(all, freed.firstBlock(run));
            bitmap.release((int) (freed.firstBlock(run) % BitmapLayout.ENTRIES), freed.blocks(run));
            bitmaps -= bitmap.hasWithheld() ? 0 : 1;
        }
        blocks -= freed.count();
        runs -= freed.runs();
    }

    private static Bitmap of(List<Bitmap> all, long block) {
        return all.get((int) (block / BitmapLayout.ENTRIES));
    }
}

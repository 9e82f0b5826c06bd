package dev.gossamer.pdata.spacemap;

import java.util.ArrayList;
import java.util.List;

/**
 * The blocks that one transaction freed. They stay out of use until it is committed: a crash before leads to a state
 * that uses them. Data blocks do until they are given back with {@link DiskSpaceMap#release}: I/O that looked its block
 * up before the commit may still be on its way.
 */
public final class FreedBlocks {
    static final FreedBlocks NONE = new FreedBlocks();

    private static final class Part {
        final int bitmap;
        final long[] bits;
        final int count;

        Part(int bitmap, long[] bits, int count) {
            this.bitmap = bitmap;
            this.bits = bits;
            this.count = count;
        }
    }

    private final List<Part> parts = new ArrayList<>();
    private long count;

    FreedBlocks() {}

    void add(int bitmap, long[] bits, int freedInBitmap) {
        parts.add(new Part(bitmap, bits, freedInBitmap));
        count += freedInBitmap;
    }

    /** How many blocks were freed. */
    public long count() {
        return count;
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /** The blocks as runs of neighbours, none longer than {@code maxBlocks}. */
    public FreedRuns runs(int maxBlocks) {
        return new FreedRuns(this, maxBlocks);
    }

    int parts() {
        return parts.size();
    }

    int bitmapOf(int part) {
        return parts.get(part).bitmap;
    }

    long[] bitsOf(int part) {
        return parts.get(part).bits;
    }

    int countIn(int bitmap) {
        Part part = find(bitmap);
        return part == null ? 0 : part.count;
    }

    /** Bits of 32 entries of a bitmap. */
    int mask(int bitmap, int word) {
        Part part = find(bitmap);
        return part == null ? 0 : Bitmap.half(part.bits, word);
    }

    // Few: a transaction frees blocks in a handful of bitmaps.
    private Part find(int bitmap) {
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i).bitmap == bitmap) {
                return parts.get(i);
            }
        }
        return null;
    }
}

package dev.gossamer.thin.pool;

import dev.gossamer.thin.device.PartialTrims;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Model of what trims have covered of a volume since its blocks were last written (NBD T37a). */
final class TrimmedSectors {
    private static final int SECTORS = SimPool.BLOCK / PartialTrims.SECTOR_BYTES;

    private final BitSet trimmed = new BitSet();

    /** A TRIM. @return the first bytes of the blocks that it unmaps: those inside its range, and those it completes */
    List<Integer> trim(long offset, long length) {
        List<Integer> unmapped = new ArrayList<>();
        long end = offset + length;
        for (long start = offset / SimPool.BLOCK * SimPool.BLOCK; start < end; start += SimPool.BLOCK) {
            int from = (int) Math.ceilDiv(Math.max(start, offset), PartialTrims.SECTOR_BYTES);
            int to = (int) (Math.min(start + SimPool.BLOCK, end) / PartialTrims.SECTOR_BYTES);
            trimmed.set(from, Math.max(from, to));
            int first = (int) (start / PartialTrims.SECTOR_BYTES);
            if (trimmed.nextClearBit(first) >= first + SECTORS) {
                trimmed.clear(first, first + SECTORS);
                unmapped.add((int) start);
            }
        }
        return unmapped;
    }

    void written(long offset, long length) {
        int first = (int) (offset / SimPool.BLOCK);
        int end = (int) Math.ceilDiv(offset + length, SimPool.BLOCK);
        trimmed.clear(first * SECTORS, end * SECTORS);
    }

    /** Everything is forgotten. */
    void clear() {
        trimmed.clear();
    }
}

package dev.gossamer.pdata.spacemap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.check.TestPool;
import org.junit.jupiter.api.Test;

final class BitmapLayoutTest {
    @Test
    void aBitmapCounts16320Blocks() {
        assertEquals(16320, BitmapLayout.ENTRIES);
        assertEquals(4_161_600, MetadataSpaceMap.MAX_BLOCKS);
    }

    @Test
    void theLowerBitOfAPairIsWorthTwo() throws Exception {
        try (TestPool pool = TestPool.format(new SimulatedDisk(1 << 20), 0, 64)) {
            MetadataBlock bitmap = pool.tx.newBlock(BlockValidator.BITMAP);
            int[] byteWithOnlyEntry0 = {0x00, 0x02, 0x01, 0x03};
            for (int count = 0; count <= 3; count++) {
                BitmapLayout.setCount(bitmap, 0, count);
                assertEquals(byteWithOnlyEntry0[count], bitmap.getInt(16));
                assertEquals(count, BitmapLayout.count(bitmap, 0));
            }
        }
    }

    @Test
    void entriesGoFourToAByteAndDoNotTouchEachOther() throws Exception {
        try (TestPool pool = TestPool.format(new SimulatedDisk(1 << 20), 0, 64)) {
            MetadataBlock bitmap = pool.tx.newBlock(BlockValidator.BITMAP);
            for (int entry = 0; entry < BitmapLayout.ENTRIES; entry++) {
                BitmapLayout.setCount(bitmap, entry, entry % 4);
            }
            // Counts 0, 1, 2, 3 are pairs 0, 2, 1, 3, the first in the lowest bits: 11 01 10 00.
            assertEquals(0xD8D8D8D8, bitmap.getInt(16));
            assertEquals(0xD8D8D8D8, bitmap.getInt(4092));
            for (int entry = 0; entry < BitmapLayout.ENTRIES; entry++) {
                assertEquals(entry % 4, BitmapLayout.count(bitmap, entry));
            }
            assertEquals(0x11111111, BitmapLayout.freeMask(bitmap, 0));
        }
    }

    @Test
    void anIndexEntryPacksFreeCountBelowHint() {
        IndexEntry entry = new IndexEntry(23, 16313, 7);
        assertEquals(7L << 32 | 16313, entry.word1());
        assertEquals(entry, IndexEntry.of(23, entry.word1()));
    }
}

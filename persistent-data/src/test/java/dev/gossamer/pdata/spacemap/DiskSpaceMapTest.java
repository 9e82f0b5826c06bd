package dev.gossamer.pdata.spacemap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.OutOfDataSpace;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.check.TestPool;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class DiskSpaceMapTest {
    private static final int DATA_BLOCKS = 40_000;
    private static final int BITMAP = 240779;
    private static final int NODE = 121107;

    private final SimulatedDisk disk = new SimulatedDisk(8 << 20);
    private TestPool pool;
    private DiskSpaceMap map;

    @BeforeEach
    void format() throws Exception {
        pool = TestPool.format(disk, DATA_BLOCKS, 64);
        map = pool.dataMap;
    }

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void blocksAreGivenOutAscendingAndSoContiguous() throws Exception {
        for (long i = 0; i < 20_000; i++) {
            assertEquals(i, map.allocate());
        }
    }

    @Test
    void whatIsFreedInAClosedRangeIsMissingOnce() throws Exception {
        for (long i = 0; i < 1000; i++) {
            map.allocate();
        }
        pool.commit();
        map.close(100, 400);
        assertEquals(DATA_BLOCKS - 1000, map.free(), "all of it is in use");
        for (int i = 0; i < 50; i++) {
            map.decrement(200 + i);
        }
        assertEquals(DATA_BLOCKS - 1000, map.free());
        pool.commit();
        assertEquals(DATA_BLOCKS - 1000, map.free());
        FreedBlocks freed = map.takeFreed();
        assertEquals(DATA_BLOCKS - 1000, map.free());
        map.close(150, 220);
        assertEquals(DATA_BLOCKS - 1000, map.free(), "what is freed there cannot be allocated anyway");
        map.release(freed);
        assertEquals(DATA_BLOCKS - 1000 + 30, map.free());
        map.close(0, 0);
        assertEquals(DATA_BLOCKS - 1000 + 50, map.free());
    }

    @Test
    void takenFreedBlocksStayOutOfUseUntilTheyAreReleased() throws Exception {
        List<Long> used = allocateAll();
        pool.commit();
        for (int i = 0; i < 100; i++) {
            map.decrement(used.get(i * 397));
        }
        assertEquals(0, map.free());
        pool.commit();
        FreedBlocks first = map.takeFreed();
        assertEquals(100, first.count());
        assertEquals(0, map.free());
        assertThrows(OutOfDataSpace.class, map::allocate);

        map.decrement(used.get(1));
        pool.commit();
        FreedBlocks second = map.takeFreed();
        assertEquals(1, second.count());
        assertThrows(OutOfDataSpace.class, map::allocate);

        map.release(second);
        assertEquals(1, map.free());
        assertEquals(used.get(1), map.allocate());
        assertThrows(OutOfDataSpace.class, map::allocate);

        map.release(first);
        assertEquals(100, map.free());
        Set<Long> again = new HashSet<>(allocateAll());
        assertEquals(100, again.size());
        assertTrue(again.contains(used.get(397)));
    }

    @Test
    void freedBlocksThatNobodyTakesAreFreeAfterTheCommit() throws Exception {
        List<Long> used = allocateAll();
        pool.commit();
        map.decrement(used.get(5));
        pool.commit();
        assertEquals(1, map.free());
        assertEquals(used.get(5), map.allocate());
    }

    @Test
    void aBlockAllocatedAndFreedWithinOneTransactionIsWithheldLikeAnyOther() throws Exception {
        long free = map.free();
        long block = map.allocate();
        map.decrement(block);
        // Writes that looked the block up may be on their way to it (L-6).
        assertEquals(free - 1, map.free());
        pool.commit();
        FreedBlocks freed = map.takeFreed();
        assertEquals(1, freed.count());
        assertEquals(free - 1, map.free());
        map.release(freed);
        assertEquals(free, map.free());
        assertEquals(free, allocateAll().size());
    }

    @Test
    void freedBlocksAreWalkedAsRunsOfNeighbours() throws Exception {
        List<Long> used = allocateAll();
        pool.commit();
        for (int i = 100; i < 110; i++) {
            map.decrement(used.get(i));
        }
        map.decrement(used.get(200));
        for (int i = BitmapLayout.ENTRIES - 2; i < BitmapLayout.ENTRIES + 3; i++) {
            map.decrement(used.get(i));
        }
        pool.commit();
        List<String> runs = new ArrayList<>();
        FreedRuns walk = map.takeFreed().runs(4);
        while (walk.next()) {
            runs.add(walk.firstBlock() + "+" + walk.blocks());
            assertTrue(map.isUnreferenced(walk.firstBlock(), walk.blocks()), "DI-7");
            assertFalse(map.isUnreferenced(walk.firstBlock(), walk.blocks() + 10), "DI-7: the block behind is in use");
        }
        assertEquals(
                List.of(
                        "100+4",
                        "104+4",
                        "108+2",
                        "200+1",
                        BitmapLayout.ENTRIES - 2 + "+2",
                        BitmapLayout.ENTRIES + "+3"),
                runs);
        assertFalse(walk.next());
    }

    @Test
    void freedBlocksCannotBeReleasedTwice() throws Exception {
        long block = map.allocate();
        pool.commit();
        map.decrement(block);
        pool.commit();
        FreedBlocks freed = map.takeFreed();
        map.release(freed);
        assertThrows(AssertionError.class, () -> map.release(freed));
    }

    @Test
    void anIndexThatCallsEveryBitmapFullHidesNoSpace() throws Exception {
        long root = map.root().bitmapRoot();
        SealedBlock.edit(disk, root, NODE, block -> {
            for (int i = 0; i < 3; i++) {
                block.putInt(32 + 8 * 168 + 16 * i + 8, 0);
                block.putInt(32 + 8 * 168 + 16 * i + 12, 16320);
            }
        });
        pool.close();
        pool = TestPool.open(disk, 64);
        map = pool.dataMap;
        assertEquals(DATA_BLOCKS, allocateAll().size());
        assertEquals(DATA_BLOCKS, map.allocated());
    }

    @Test
    void aWrongTotalIsPutRightByARecount() throws Exception {
        SealedBlock.edit(disk, 0, 160774, block -> block.putLong(72, DATA_BLOCKS));
        pool.close();
        pool = TestPool.open(disk, 64);
        assertEquals(0, pool.dataMap.free());
        pool.dataMap.recount();
        assertEquals(DATA_BLOCKS, pool.dataMap.free());
    }

    @Test
    void aMapSaidToCountMoreThanThereCanBeBitmapsForIsNotOpened() throws Exception {
        long most = ((8 << 20) / 4096 - 1) * 16320L;
        SpaceMapRoot root = map.root();
        for (long blocks : new long[] {most + 1, DiskSpaceMap.MAX_BLOCKS, Long.MAX_VALUE, -1}) {
            SpaceMapRoot forged = new SpaceMapRoot(blocks, 0, root.bitmapRoot(), root.overflowRoot());
            assertThrows(MetadataCorrupt.class, () -> DiskSpaceMap.open(pool.tx, forged), "" + blocks);
        }
        DiskSpaceMap.open(pool.tx, new SpaceMapRoot(most, 0, root.bitmapRoot(), root.overflowRoot()));
    }

    @Test
    void anOverflowMarkWithoutItsCountIsReported() throws Exception {
        long bitmap =
                pool.tx.read(map.root().bitmapRoot(), BlockValidator.BTREE_NODE).getLong(32 + 8 * 168);
        SealedBlock.edit(disk, bitmap, BITMAP, block -> block.put(16, (byte) 3));
        pool.close();
        pool = TestPool.open(disk, 64);
        StorageException e = assertThrows(StorageException.class, () -> pool.dataMap.count(0));
        assertTrue(e.getMessage().contains("block 0 "), e.getMessage());
        assertFalse(pool.dataMap.isShared(1));
    }

    /** As many batches as may wait for discards, each with a block here and there, all over the device. */
    @Test
    void scatteredFreedBlocksTakeASetForEachBitmapOnceAndEightBytesForEachRun() throws Exception {
        int bitmaps = 300;
        int batches = 64;
        pool.close();
        pool = TestPool.format(new SimulatedDisk(16 << 20), (long) bitmaps * BitmapLayout.ENTRIES, 4096);
        map = pool.dataMap;
        for (int bitmap = 0; bitmap < bitmaps; bitmap++) {
            for (int i = 0; i < batches; i++) {
                map.increment(blockOf(bitmap, i));
            }
        }
        pool.commit();
        List<FreedBlocks> freed = new ArrayList<>();
        for (int i = 0; i < batches; i++) {
            for (int bitmap = 0; bitmap < bitmaps; bitmap++) {
                map.decrement(blockOf(bitmap, i));
            }
            pool.commit();
            freed.add(map.takeFreed());
        }
        long counted = map.withheldBytes();
        assertEquals(bitmaps * (2040L + batches * 8L), counted);
        long block = map.reserve() % BitmapLayout.ENTRIES;
        assertFalse(block % 7 == 0 && block < 7L * batches, "a withheld block was given out");
        long heap = usedHeap();
        for (FreedBlocks each : freed) {
            map.release(each);
        }
        freed.clear();
        assertEquals(0, map.withheldBytes());
        assertFalse(map.hasWithheld());
        heap -= usedHeap();
        assertTrue(heap > counted / 2 && heap < 2 * counted, heap + " bytes of heap, counted as " + counted);
    }

    private static long blockOf(int bitmap, int batch) {
        return (long) bitmap * BitmapLayout.ENTRIES + 7L * batch;
    }

    private static long usedHeap() {
        System.gc();
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private List<Long> allocateAll() throws StorageException {
        List<Long> blocks = new ArrayList<>();
        while (map.free() > 0) {
            blocks.add(map.allocate());
        }
        return blocks;
    }
}

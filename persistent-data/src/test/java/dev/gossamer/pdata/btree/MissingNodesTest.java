package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.check.TestPool;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is fetched for a range of keys, and what a walk through it reads, are the same nodes. */
final class MissingNodesTest {
    private static final int MAPPINGS = 20_000;

    private final SimulatedDisk disk = new SimulatedDisk(8 << 20, 4096);
    private final IoBufferPool buffers = new IoBufferPool(4096);
    private final InlineLoop loop = new InlineLoop(null, buffers);
    private final MissingNodes missing = new MissingNodes();
    private TestPool pool;

    /** Keys are even; device 9 has none. */
    @BeforeEach
    void makeATree() throws StorageException {
        pool = TestPool.format(disk, MAPPINGS, 1024);
        pool.createDevice(7);
        pool.createDevice(9);
        for (int i = 0; i < MAPPINGS; i++) {
            pool.provision(7, 2L * i);
        }
        pool.commit();
    }

    @AfterEach
    void close() {
        pool.close();
        buffers.close();
    }

    @Test
    void aWalkThatEndsWhereALeafBeginsDoesNotReadThatLeaf() throws StorageException {
        BTreeCursor all = pool.mappings.cursor(pool.mappingRoot, 7, 0);
        List<Long> firstKeys = new ArrayList<>();
        while (all.next()) {
            if (all.leavesRead() > firstKeys.size()) {
                firstKeys.add(all.key());
            }
        }
        assertTrue(firstKeys.size() > 50, firstKeys.size() + " leaves");
        for (int leaf = 1; leaf < firstKeys.size(); leaf++) {
            long end = firstKeys.get(leaf);
            long from = firstKeys.get(leaf - 1);
            for (long to = end - 1; to <= end + 1; to++) {
                BTreeCursor cursor =
                        pool.mappings.cursor(pool.mappingRoot, 7, from).upTo(to);
                long expected = from;
                while (cursor.next()) {
                    assertEquals(expected, cursor.key());
                    expected += 2;
                }
                assertEquals((to + 1) / 2 * 2, expected, "entries before " + to);
                assertEquals(to > end ? 2 : 1, cursor.leavesRead(), "leaves for keys before " + to);
                assertFalse(cursor.next());
            }
        }
    }

    @Test
    void whatIsFetchedIsWhatAWalkReads() throws StorageException {
        SplittableRandom random = Seeds.splittable(1);
        for (int i = 0; i < 300; i++) {
            long from = random.nextLong(2 * MAPPINGS + 1000);
            long to = from + 1 + random.nextInt(1500);
            long device = random.nextInt(10) == 0 ? 9 : random.nextInt(10) == 0 ? 8 : 7;
            pool.blocks.discardCache();
            long before = pool.blocks.reads();
            long entries = walk(device, from, to);
            long read = pool.blocks.reads() - before;

            pool.blocks.discardCache();
            before = pool.blocks.reads();
            int rounds = 0;
            for (find(device, from, to); !missing.isEmpty(); find(device, from, to)) {
                missing.fetch(loop, complete -> assertTrue(complete));
                assertTrue(++rounds <= 5, "more rounds than levels");
            }
            String what = "device " + device + ", keys " + from + " to " + to;
            assertEquals(read, pool.blocks.reads() - before, what);
            assertEquals(entries, walk(device, from, to), what);
            assertEquals(read, pool.blocks.reads() - before, what + ": the walk has read more");
        }
    }

    private void find(long device, long from, long to) throws StorageException {
        long before = pool.blocks.reads();
        pool.mappings.findMissing(missing, pool.mappingRoot, device, from, to);
        assertEquals(before, pool.blocks.reads(), "looking has read something");
    }

    private long walk(long device, long from, long to) throws StorageException {
        BTreeCursor cursor =
                pool.mappings.cursor(pool.mappingRoot, device, from).upTo(to);
        long entries = 0;
        while (cursor.next()) {
            entries++;
        }
        return entries;
    }
}

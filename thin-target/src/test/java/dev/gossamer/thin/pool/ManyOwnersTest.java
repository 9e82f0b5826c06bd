package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.Mapping;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Blocks at many places of many snapshots are moved a few at a time, and one that has too many stays (RL-2, RL-7). */
class ManyOwnersTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 32;

    private final SimulatedDisk metadata = new SimulatedDisk(16 << 20);
    private final SimulatedDisk data = new SimulatedDisk(128L * BLOCK);
    private SimPool sim;
    private JobRig jobs;
    private ThinVolume volume;

    @BeforeEach
    void pool() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2);
        jobs = new JobRig(sim);
        volume = sim.create("v", (1L << 18) * BLOCK);
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCKS * BLOCK)));
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private void share(int places, int snapshots) throws StorageException {
        for (long n = BLOCKS; n < (long) BLOCKS * places; n *= 2) {
            jobs.cloneNow(new CloneSpec("v", 0, n * BLOCK, "v", n * BLOCK, false));
        }
        for (int i = 0; i < snapshots; i++) {
            sim.await(sim.pool.createSnapshot("v", "s" + i, false));
        }
        sim.loops.advance(3_000_000_000L);
    }

    private SortedMap<Long, Set<Long>> places(int places) throws StorageException {
        TreeMap<Long, Set<Long>> wanted = new TreeMap<>();
        int id = sim.pool.parts.devices.named("v").id();
        for (long at = 0; at < (long) BLOCKS * places; at++) {
            long block = Mapping.dataBlock(sim.pool.parts.metadata.lookup(id, at));
            wanted.computeIfAbsent(block, its -> new TreeSet<>()).add(at);
        }
        return wanted;
    }

    private JobInfo evacuate() throws StorageException {
        return jobs.finish(sim.await(sim.pool.jobs().evacuate(2L * BLOCK, BLOCKS * (long) BLOCK, false)));
    }

    @Test
    void rl7AsManyBlocksArePlannedForAsABoundedTaskCanDo() throws Exception {
        share(16, 100);
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            BlockMoves moves = sim.pool.parts.metadata.references().moves();
            SortedMap<Long, Set<Long>> all = places(16);
            assertNull(moves.plan(all, BlockMoves.MAX_WORK), "51712 owners");
            assertEquals(BLOCKS, all.size());
            BlockMoves.Plan some = moves.planSome(all);
            assertEquals(4, all.size(), "of 101 devices at 16 places each; 8 would be 12928");
            assertEquals(4 * 16 * 101, some.owners().size());
            // Two trees, one of them the catalog's, however many devices have the other: a look at each place, and an
            // owner for each device.
            assertNotNull(moves.plan(all, 2 * 4 * 16 + 4 * 16 * 101));
            assertNull(moves.plan(all, 2 * 4 * 16 + 4 * 16 * 101 - 1));
            return 0;
        }));
        long used = sim.status().dataBlocksUsed();
        JobInfo over = evacuate();
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        sim.loops.advance(3_000_000_000L);
        assertEquals(used, sim.status().dataBlocksUsed(), "sharing was kept");
        byte[] contents = ThinPoolTest.bytes(1, BLOCKS * BLOCK);
        assertArrayEquals(contents, sim.read(volume, 15L * BLOCKS * BLOCK, BLOCKS * BLOCK));
        assertArrayEquals(contents, sim.read(sim.pool.openVolume("s99"), 0, BLOCKS * BLOCK));
    }

    @Test
    void rl7ABlockWithTooManyOwnersEndsTheJobAndNotThePool() throws StorageException {
        share(256, 260);
        JobInfo over = evacuate();
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains("is at 256 places of very many volumes"), over.message());
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCKS * BLOCK), sim.read(volume, 0, BLOCKS * BLOCK));
    }

    /** Each block is at 4096 places, all of them together at twice as many as a pass remembers. */
    @Test
    void rl6BlocksAtMorePlacesThanMemoryIsForAreMovedWindowByWindow() throws StorageException {
        share(4096, 0);
        long used = sim.status().dataBlocksUsed();
        JobInfo over = evacuate();
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        sim.loops.advance(3_000_000_000L);
        assertEquals(used, sim.status().dataBlocksUsed(), "sharing was kept");
        byte[] contents = ThinPoolTest.bytes(1, BLOCKS * BLOCK);
        assertArrayEquals(contents, sim.read(volume, 4095L * BLOCKS * BLOCK, BLOCKS * BLOCK));
    }

    /** A leaf that a thousand snapshots have is one leaf; there is metadata for that. */
    @Test
    void rl2APlanIsChargedForLeavesAndNotForSnapshots() throws StorageException {
        share(1, 1000);
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            BlockMoves.Plan plan = sim.pool.parts.metadata.references().moves().planSome(places(1));
            assertTrue(plan.owners().size() > 4000);
            assertTrue(plan.cost() < 100, plan.cost() + " metadata blocks");
            return 0;
        }));
        JobInfo over = evacuate();
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
    }
}

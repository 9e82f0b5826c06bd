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
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.job.MoveLimits;
import dev.gossamer.thin.job.MoveStart;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.Mapping;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Blocks at many places of many snapshots are moved a few at a time, or with a part of their owners (RL-2, RL-7). */
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

    /** 66816 owners in trees of their own: more than one task may look at. */
    @Test
    void rl7ABlockWithTooManyOwnersIsMovedByPartsAndStaysOne() throws StorageException {
        share(256, 0);
        long apart = 1L << 17;
        jobs.cloneNow(new CloneSpec("v", BLOCK, 300L * BLOCK, "v", apart * BLOCK, false));
        for (int i = 0; i < 260; i++) {
            sim.await(sim.pool.createSnapshot("v", "s" + i, false));
            assertEquals(Errno.OK, sim.trim(volume, (apart + i) * BLOCK, BLOCK));
        }
        sim.loops.advance(3_000_000_000L);
        long used = sim.status().dataBlocksUsed();
        JobInfo over = jobs.finish(sim.await(sim.pool.jobs().evacuate(2L * BLOCK, BLOCK, false)));
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        assertEquals(
                "moved " + BLOCK + " bytes; nothing is allocated there until the pool is opened again", over.message());
        sim.loops.advance(3_000_000_000L);
        assertEquals(used, sim.status().dataBlocksUsed(), "sharing was kept");
        byte[] contents = ThinPoolTest.bytes(1, BLOCKS * BLOCK);
        assertArrayEquals(contents, sim.read(volume, 255L * BLOCKS * BLOCK, BLOCKS * BLOCK));
        assertArrayEquals(contents, sim.read(sim.pool.openVolume("s129"), 0, BLOCKS * BLOCK));
    }

    /** A block that one volume has at more places than a search remembers. */
    @Test
    void rl7ABlockAtMorePlacesThanAreRememberedIsMovedInSeveralRounds() throws StorageException {
        int places = 70_000;
        long first = 1000;
        jobs.cloneNow(new CloneSpec("v", 0, BLOCK, "v", first * BLOCK, false));
        for (long n = 1; n < places; n *= 2) {
            long length = Math.min(n, places - n) * BLOCK;
            jobs.cloneNow(new CloneSpec("v", first * BLOCK, length, "v", (first + n) * BLOCK, false));
        }
        sim.loops.advance(3_000_000_000L);
        final long used = sim.status().dataBlocksUsed();
        long at = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> blockAt(0)));
        JobInfo over = jobs.finish(sim.await(sim.pool.jobs().evacuate(at * BLOCK, BLOCK, false)));
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        sim.loops.advance(3_000_000_000L);
        assertEquals(used, sim.status().dataBlocksUsed(), "sharing was kept");
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            for (long place = first; place < first + places; place++) {
                assertEquals(blockAt(0), blockAt(place));
            }
            return 0;
        }));
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(volume, (first + places - 1) * BLOCK, BLOCK));
    }

    private long blockAt(long place) throws StorageException {
        int id = sim.pool.parts.devices.named("v").id();
        return Mapping.dataBlock(sim.pool.parts.metadata.lookup(id, place));
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

    /**
     * Three have a block, and the first gets a copy of it: alone for a while, it writes there in place. The others get
     * another copy, of the block that they still have.
     */
    @Test
    void dd1WhatOneWritesToItsCopyBetweenTwoPartsIsNotTheOthers() throws StorageException {
        for (String snapshot : new String[] {"s1", "s2"}) {
            sim.await(sim.pool.createSnapshot("v", snapshot, false));
            assertEquals(Errno.OK, sim.trim(volume, (snapshot.equals("s1") ? 30L : 31L) * BLOCK, BLOCK));
        }
        sim.loops.advance(3_000_000_000L);
        long at = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> blockAt(0)));
        MoveStart moves = jobs.moves(new MoveLimits(1, 1, 1, 2, 100), PoolGrowth.NONE);
        JobInfo job = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> moves.evacuate(at * BLOCK, BLOCK, false)));
        while (sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> blockAt(0))) == at) {
            sim.loops.advance(1_000_000L);
        }
        sim.await(sim.pool.jobs().pause(job.id()));
        sim.loops.advance(3_000_000_000L);
        long copy = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> blockAt(0)));
        byte[] first = ThinPoolTest.bytes(77, 512);
        assertEquals(Errno.OK, sim.write(volume, 1024, first));
        assertEquals(copy, sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> blockAt(0))), "it is alone");
        sim.await(sim.pool.jobs().resume(job.id()));
        JobInfo over = jobs.finish(job);
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        byte[] contents = ThinPoolTest.bytes(1, BLOCK);
        assertArrayEquals(contents, sim.read(sim.pool.openVolume("s1"), 0, BLOCK));
        assertArrayEquals(contents, sim.read(sim.pool.openVolume("s2"), 0, BLOCK));
        System.arraycopy(first, 0, contents, 1024, 512);
        assertArrayEquals(contents, sim.read(volume, 0, BLOCK));
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

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.LostRange;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.job.MoveStart;
import dev.gossamer.thin.metadata.Mapping;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Bad sectors in a range that is emptied: whose they are, and what becomes of them (RL-8). */
class EvacuateLossesTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int VOLUME = 8 * BLOCK;
    private static final int BAD_OFFSET = 5 * 4096;

    private final SimulatedDisk metadata = new SimulatedDisk(2 << 20);
    private final SimulatedDisk data = new SimulatedDisk(96L * BLOCK);
    private final FaultPlan plan = new FaultPlan();
    private SimPool sim;
    private JobRig jobs;
    private ThinVolume a;
    private ThinVolume s;
    private byte[] before;
    private long bad;

    @BeforeEach
    void aSectorThatTwoVolumesShareIsBad() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, new FaultyDevice(data, plan), 1, 2);
        jobs = new JobRig(sim);
        a = sim.create("a", VOLUME);
        sim.write(a, 0, ThinPoolTest.bytes(1, 6 * BLOCK));
        s = sim.snapshot("a", "s");
        sim.write(a, 0, ThinPoolTest.bytes(2, BLOCK));
        sim.loops.advance(3_000_000_000L);
        before = sim.read(a, 0, VOLUME);
        bad = dataBlock("a", 3);
        plan.failRange(BlockOperation.READ, bad * BLOCK + BAD_OFFSET, 512, Errno.EIO);
    }

    private long dataBlock(String volume, long block) throws StorageException {
        return sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            int id = sim.pool.parts.devices.named(volume).id();
            return Mapping.dataBlock(sim.pool.parts.metadata.lookup(id, block));
        }));
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        a.close();
        s.close();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private JobInfo evacuate(boolean acceptLosses) throws StorageException {
        return jobs.finish(sim.await(sim.pool.jobs().evacuate((bad - 2) * BLOCK, 5L * BLOCK, acceptLosses)));
    }

    private boolean isUnused(long block) throws StorageException {
        sim.loops.advance(3_000_000_000L);
        return sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> sim.pool.parts.metadata.isUnreferenced(block, 1)));
    }

    @Test
    void rl8WhatCannotBeReadIsNotGivenUpUnasked() throws StorageException {
        JobInfo job = evacuate(false);
        assertEquals(JobInfo.State.FAILED, job.state());
        assertTrue(job.message().contains("1 block(s) cannot be read"), job.message());
        assertTrue(job.message().contains("data of a:" + 3 * BLOCK + "+" + BLOCK + ", s:" + 3 * BLOCK), job.message());
        assertTrue(job.message().contains("--accept-losses"), job.message());
        assertEquals(List.of(), job.lost());
        assertTrue(!isUnused(bad) && isUnused(bad - 1) && isUnused(bad + 1), "all others are moved");
        plan.heal();
        assertArrayEquals(before, sim.read(a, 0, VOLUME));
    }

    @Test
    void rl8WhatCannotBeReadIsZerosOnceItIsGivenUpAndNothingElse() throws StorageException {
        // Its memory has held other blocks by then.
        assertEquals(JobInfo.State.FAILED, evacuate(false).state());
        JobInfo job = evacuate(true);
        assertEquals(JobInfo.State.DONE, job.state(), job.message());
        long at = 3L * BLOCK + BAD_OFFSET;
        assertEquals(List.of(new LostRange("a", at, 4096), new LostRange("s", at, 4096)), job.lost());
        assertTrue(job.message().contains("8192 bytes of volumes are lost, and zeros: a:" + at), job.message());
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.RANGES_LOST));
        assertTrue(isUnused(bad));
        byte[] expected = before.clone();
        Arrays.fill(expected, (int) at, (int) at + 4096, (byte) 0);
        assertArrayEquals(expected, sim.read(a, 0, VOLUME));
        assertArrayEquals(
                Arrays.copyOfRange(expected, BLOCK, VOLUME), sim.read(s, BLOCK, VOLUME - BLOCK), "shared as before");
        assertEquals(Errno.OK, sim.write(a, 3L * BLOCK, ThinPoolTest.bytes(9, BLOCK)));
    }

    /** A device that is away fails every READ: that is no word on what is stored, and zeros would be. */
    @Test
    void rl8AnOutageIsNoLoss() throws StorageException {
        plan.heal();
        plan.failAlways(BlockOperation.READ, Errno.EIO);
        assertNothingIsLost();
    }

    /** It goes away in the middle of a block. */
    @Test
    void rl8AnOutageBehindABadSectorIsNoLoss() throws StorageException {
        JobInfo job;
        long n = 0;
        do {
            assertTrue(++n < 80, "the outage is behind all READs by now");
            plan.heal();
            plan.failRange(BlockOperation.READ, bad * BLOCK + BAD_OFFSET, 512, Errno.EIO);
            plan.failDuring(BlockOperation.READ, n, Long.MAX_VALUE - 1, Errno.EIO);
            job = evacuate(true);
            boolean isDone = job.state() == JobInfo.State.DONE;
            assertEquals(isDone ? 2 : 0, job.lost().size(), "away from READ " + n + " on: " + job);
        } while (job.state() != JobInfo.State.DONE);
        assertTrue(n > 19, n + " READs: not each piece, and two for the one that is lost");
        plan.heal();
        int at = 3 * BLOCK + BAD_OFFSET;
        Arrays.fill(before, at, at + 4096, (byte) 0);
        assertArrayEquals(before, sim.read(a, 0, VOLUME));
    }

    @Test
    void rl8WantOfMemoryIsNoLoss() throws StorageException {
        plan.heal();
        plan.failRange(BlockOperation.READ, bad * BLOCK + BAD_OFFSET, 512, Errno.ENOMEM);
        assertNothingIsLost();
    }

    /** Read at the second attempt: nothing is lost, and the block is moved. */
    @Test
    void rl8WhatCanBeReadTheSecondTimeIsNoLoss() throws StorageException {
        plan.heal();
        plan.failReadsOf(bad * BLOCK + BAD_OFFSET, 2, Errno.EIO);
        JobInfo job = evacuate(true);
        assertEquals(JobInfo.State.DONE, job.state(), job.message());
        assertEquals(List.of(), job.lost());
        assertTrue(isUnused(bad));
        assertArrayEquals(before, sim.read(a, 0, VOLUME));
    }

    private void assertNothingIsLost() throws StorageException {
        JobInfo job = evacuate(true);
        assertEquals(JobInfo.State.FAILED, job.state());
        assertEquals(List.of(), job.lost());
        assertTrue(job.message().contains("nothing is given up"), job.message());
        assertFalse(isUnused(bad));
        plan.heal();
        assertArrayEquals(before, sim.read(a, 0, VOLUME));
    }

    /** Some are told, and what is behind them stays where it is. */
    @Test
    void aJobThatMeetsManyUnreadableBlocksGoesNoFurther() throws StorageException {
        ThinVolume w = sim.create("w", 40L * BLOCK);
        for (int i = 0; i < 40; i++) {
            assertEquals(Errno.OK, sim.write(w, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        long first = dataBlock("w", 0);
        long last = dataBlock("w", 39);
        assertEquals(39, last - first, "in one run");
        plan.heal();
        plan.failRange(BlockOperation.READ, first * BLOCK, 2L * BLOCK, Errno.EIO);
        PoolParts parts = sim.pool.parts;
        MetadataChange change = new MetadataChange(parts.metadata, parts.state, parts.faults, parts.committer);
        MoveStart moves =
                new MoveStart(change, parts.committer, parts.jobs, parts.moveParts, parts.events, PoolGrowth.NONE);
        JobInfo job = jobs.finish(
                sim.await(WorkerCalls.call(parts.loop, () -> moves.evacuate(first * BLOCK, 40L * BLOCK, false, 2))));
        assertEquals(JobInfo.State.FAILED, job.state());
        assertTrue(job.message().startsWith("2 block(s) cannot be read"), job.message());
        assertTrue(isUnused(first + 2) && !isUnused(last), "the first batch is moved");
        w.close();
    }

    /** A target that cannot be written is no loss: all stays. */
    @Test
    void rl8ACopyThatCannotBeWrittenEndsTheJob() throws StorageException {
        plan.failAlways(BlockOperation.WRITE, Errno.EIO);
        JobInfo job = evacuate(true);
        assertEquals(JobInfo.State.FAILED, job.state());
        assertTrue(job.message().contains("cannot be written"), job.message());
        assertEquals(List.of(), job.lost());
        plan.heal();
        assertArrayEquals(before, sim.read(a, 0, VOLUME));
    }
}

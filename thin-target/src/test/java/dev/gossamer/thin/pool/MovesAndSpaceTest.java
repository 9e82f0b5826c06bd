package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.DurationHistogram;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.job.Job;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Jobs that keep data blocks from being allocated, and those who need some (RL-6, RL-7). */
class MovesAndSpaceTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int DATA_BLOCKS = 64;

    private final SimulatedDisk metadata = new SimulatedDisk(2 << 20);
    private final SimulatedDisk data = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
    private SimPool sim;
    private JobRig jobs;
    private ThinVolume volume;

    @BeforeEach
    void pool() throws StorageException {
        SimPool.format(metadata, data);
        open(0, OnFull.QUEUE);
        volume = sim.create("v", 128L * BLOCK);
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(1, 16 * BLOCK)));
        sim.loops.advance(3_000_000_000L);
    }

    private void open(long autoExtendBytes, OnFull onFull) throws StorageException {
        PoolOptions options = PoolOptions.DEFAULT
                .withOnFull(onFull, Duration.ofMinutes(10))
                .withGrowth(new SimPool.DiskGrowth(metadata, data), autoExtendBytes);
        sim = SimPool.open(metadata, data, 1, 2, options);
        jobs = new JobRig(sim);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    /** What is added behind the end that is cut off would be cut off with it, and what was written there. */
    @Test
    void rl6ADataDeviceThatIsBeingShrunkDoesNotGrow() throws StorageException {
        JobInfo job = sim.await(sim.pool.jobs().shrink(32L * BLOCK));
        sim.await(sim.pool.jobs().pause(job.id()));
        StorageException busy = assertThrows(StorageException.class, () -> sim.await(sim.pool.grow(96L * BLOCK, -1)));
        assertEquals(Errno.EBUSY, busy.errno(), busy.getMessage());
        assertTrue(busy.getMessage().contains("smaller"), busy.getMessage());
        sim.await(sim.pool.grow(-1, 3 << 20)); // the metadata may
        for (int i = 16; i < 28; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        sim.await(sim.pool.jobs().resume(job.id()));
        assertEquals(JobInfo.State.DONE, jobs.finish(job).state());
        assertEquals(32, sim.status().dataBlocks());
        sim.await(sim.pool.grow(96L * BLOCK, -1));
        assertEquals(96, sim.status().dataBlocks());
    }

    @Test
    void rl6APoolThatExtendsItselfDoesNotWhileItIsBeingShrunk() throws StorageException {
        volume.close();
        sim.shutDown();
        open(200L * BLOCK, OnFull.QUEUE);
        volume = sim.pool.openVolume("v");
        JobInfo job = sim.await(sim.pool.jobs().shrink(24L * BLOCK));
        sim.await(sim.pool.jobs().pause(job.id()));
        for (int i = 16; i < 20; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        assertEquals(DATA_BLOCKS, sim.status().dataBlocks(), "few blocks are free, and none is added");
        // With the last one gone the volume comes first.
        for (int i = 20; i < 60; i++) {
            write(i);
        }
        JobInfo over = jobs.show(job.id());
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains("run out of data space"), over.message());
        assertTrue(sim.status().dataBlocks() > DATA_BLOCKS, "it extends itself again");
    }

    private void write(int block) {
        SimHarness.Result write = sim.start(
                0, volume, BlockOperation.WRITE, (long) block * BLOCK, BLOCK, 0, ThinPoolTest.bytes(block, BLOCK));
        for (int i = 0; i < 40 && !write.isDone(); i++) {
            sim.loops.advance(100_000_000L);
        }
        assertTrue(write.isDone(), "a write waits for ever");
        assertEquals(Errno.OK, write.errno);
    }

    @Test
    void rl7WhoFindsNoSpaceIsServedByTheJobThatGivesUp() throws StorageException {
        JobInfo job = sim.await(sim.pool.jobs().evacuate(24L * BLOCK, 40L * BLOCK, false));
        sim.await(sim.pool.jobs().pause(job.id()));
        for (int i = 16; i < 60; i++) {
            write(i);
        }
        assertEquals(JobInfo.State.FAILED, jobs.show(job.id()).state());
        assertEquals(PoolMode.WRITE, sim.pool.mode());
    }

    /** Its rest may be minutes: who finds no space must not wait for its end. */
    @Test
    void rl7AJobThatRestsGivesUpForWhoFindsNoSpace() throws StorageException {
        RestingJob resting = new RestingJob();
        JobInfo job = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> sim.pool.parts.jobs.start(resting)));
        sim.loops.advance(2_000_000_000L);
        assertEquals(1, resting.steps);
        JobInfo paused = sim.await(sim.pool.jobs().pause(job.id()));
        assertEquals(JobInfo.State.PAUSED, paused.state());
        sim.await(sim.pool.jobs().resume(job.id()));
        sim.loops.advance(1_000_000L);
        assertEquals(2, resting.steps, "who resumes it does not mean its rest");
        for (int i = 0; i < 99; i++) {
            sim.loops.advance(1_000_000_000L);
        }
        assertEquals(2, resting.steps, "it looks, but does not work");
        sim.loops.advance(1_500_000_000L);
        assertEquals(3, resting.steps);
        for (int i = 16; i < 66; i++) {
            sim.start(0, volume, BlockOperation.WRITE, (long) i * BLOCK, BLOCK, 0, ThinPoolTest.bytes(i, BLOCK));
            sim.loops.runUntilIdle();
        }
        for (int i = 0; i < 40; i++) {
            sim.loops.advance(100_000_000L);
        }
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
        JobInfo over = jobs.show(job.id());
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains("run out of data space"), over.message());
        assertEquals(3, resting.steps);
        assertEquals(Errno.OK, sim.trim(volume, 0, 16L * BLOCK));
    }

    private static final class RestingJob extends Job {
        int steps;

        RestingJob() {
            super("rest", "nothing");
        }

        @Override
        protected long doneBytes() {
            return 0;
        }

        @Override
        protected long totalBytes() {
            return 0;
        }

        @Override
        protected long pauseNanos() {
            return 100_000_000_000L;
        }

        @Override
        protected void step(StepEnd end) {
            steps++;
            end.next();
        }

        @Override
        protected void ended() {}
    }

    @Test
    void aCancelledJobGivesItsSpaceToThoseWhoWait() throws StorageException {
        JobInfo job = sim.await(sim.pool.jobs().evacuate(24L * BLOCK, 40L * BLOCK, false));
        sim.await(sim.pool.jobs().pause(job.id()));
        SimHarness.Result[] writes = new SimHarness.Result[44];
        for (int i = 0; i < writes.length; i++) {
            byte[] bytes = ThinPoolTest.bytes(i, BLOCK);
            writes[i] = sim.start(0, volume, BlockOperation.WRITE, (16L + i) * BLOCK, BLOCK, 0, bytes);
        }
        sim.loops.runUntilIdle();
        assertFalse(writes[43].isDone(), "there is no space for all");
        sim.await(sim.pool.jobs().cancel(job.id()));
        sim.loops.advance(10_000_000L);
        for (SimHarness.Result write : writes) {
            assertEquals(Errno.OK, sim.finish(write).errno);
        }
    }

    /** By what is counted here, and by no clock. */
    @Test
    void rl7AJobMakesWayForClientsThatAreSlowerThanUsual() throws StorageException {
        sim.create("w", 128L * BLOCK).close();
        DurationHistogram requests = new DurationHistogram();
        sim.await(sim.pool.jobs().watch(() -> List.of(requests)));
        count(requests, 200_000L);
        JobInfo job = jobs.start(JobRig.whole("v", "w"), JobRig.steps(1));
        count(requests, 4_000_000L);
        for (int i = 0; sim.pool.jobs().restFactor() == 1; i++) {
            assertTrue(
                    i < 200 && !jobs.show(job.id()).state().isFinal(),
                    jobs.show(job.id()).toString());
            sim.loops.advance(1_000_000L);
        }
        assertTrue(
                jobs.show(job.id()).message().contains("rests 2 times as long"),
                jobs.show(job.id()).toString());
        sim.await(sim.pool.jobs().cancel(job.id()));
        jobs.finish(job);
        assertEquals(1, sim.pool.jobs().restFactor());
        assertEquals(1, sim.pool.jobs().endedCount(JobInfo.State.CANCELLED));
        assertEquals(0, sim.pool.jobs().activeCount());
    }

    private static void count(DurationHistogram requests, long nanos) {
        for (int i = 0; i < 200; i++) {
            requests.add(nanos);
        }
    }

    /** Beside dedupe and a volume that is put in order, whose lists are of blocks that are cut off meanwhile. */
    @Test
    void rl6WhatIsCutOffIsNoDamageToOtherJobs() throws StorageException {
        for (int i = 16; i < 40; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i % 8, BLOCK)));
        }
        assertEquals(Errno.OK, sim.trim(volume, 0, 14L * BLOCK));
        sim.loops.advance(3_000_000_000L);
        JobInfo dedupe = sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
        sim.loops.advance(3_000_000L);
        sim.await(sim.pool.jobs().pause(dedupe.id()));
        JobInfo shrink = sim.await(sim.pool.jobs().shrink(30L * BLOCK));
        assertEquals(JobInfo.State.DONE, jobs.finish(shrink).state());
        sim.await(sim.pool.jobs().resume(dedupe.id()));
        JobInfo over = jobs.finish(dedupe);
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        for (int i = 16; i < 40; i++) {
            assertArrayEquals(ThinPoolTest.bytes(i % 8, BLOCK), sim.read(volume, (long) i * BLOCK, BLOCK));
        }
    }
}

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.job.Jobs;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Range clones: what both sides hold afterwards, what they share, what waits for them (CL-1 to CL-7). */
class CloneTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 16;
    private static final long VOLUME = (long) BLOCKS * BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(2 << 20);
    private final SimulatedDisk data = new SimulatedDisk(96L * BLOCK);
    private SimPool sim;
    private JobRig jobs;
    private ThinVolume a;
    private ThinVolume b;

    /** {@code a} has blocks 0 to 7 and 12, {@code b} 6 to 11. */
    @BeforeEach
    void twoVolumes() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2);
        jobs = new JobRig(sim);
        a = sim.create("a", VOLUME);
        b = sim.create("b", VOLUME);
        sim.write(a, 0, ThinPoolTest.bytes(1, 8 * BLOCK));
        sim.write(a, 12L * BLOCK, ThinPoolTest.bytes(2, BLOCK));
        sim.write(b, 6L * BLOCK, ThinPoolTest.bytes(3, 6 * BLOCK));
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        if (!sim.isClosed()) {
            a.close();
            b.close();
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after the test");
    }

    private byte[] all(ThinVolume volume) {
        return sim.read(volume, 0, (int) VOLUME);
    }

    private long used() throws StorageException {
        sim.flush(a);
        sim.flush(b);
        sim.loops.advance(2_000_000_000L);
        return sim.status().dataBlocksUsed();
    }

    @Test
    void cl4TheRangeHasTheSourcesDataAndHolesAndNothingIsCopied() throws StorageException {
        byte[] source = all(a);
        final long before = used();
        final long copied = sim.pool.counters().brokenSharings.sum();
        JobInfo over = jobs.finish(jobs.start(JobRig.whole("a", "b")));
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        assertEquals(VOLUME, over.doneBytes());
        assertArrayEquals(source, all(b));
        assertArrayEquals(source, all(a));
        assertEquals(before - 6, used(), "what b had came free, nothing was allocated");
        assertEquals(copied, sim.pool.counters().brokenSharings.sum());
        assertEquals(9L * BLOCK, sim.pool.volume("b").mappedBytes(), "D-9");
    }

    /** Many times the same data blocks: what is mapped is more than the pool has, and told as it is. */
    @Test
    void cl4AVolumeThatIsClonedIntoItselfMayHaveMoreMappedThanThePoolHas() throws StorageException {
        long size = 256L * BLOCK;
        ThinVolume large = sim.create("large", size);
        assertEquals(Errno.OK, sim.write(large, 0, ThinPoolTest.bytes(1, 8 * BLOCK)));
        for (long bytes = 8L * BLOCK; bytes < size; bytes *= 2) {
            jobs.cloneNow(new CloneSpec("large", 0, bytes, "large", bytes, false));
        }
        assertEquals(size, sim.pool.volume("large").mappedBytes());
        assertTrue(size > sim.status().dataBlocks() * BLOCK);
        large.close();
        a.close();
        b.close();
        sim.shutDown();
        sim = SimPool.open(metadata, data, 1, 2);
        assertEquals(size, sim.pool.volume("large").mappedBytes());
        a = sim.pool.openVolume("a");
        b = sim.pool.openVolume("b");
    }

    @Test
    void cl5WritesOfEitherSideAreNotSeenByTheOther() throws StorageException {
        jobs.cloneNow(JobRig.whole("a", "b"));
        byte[] source = all(a);
        assertEquals(Errno.OK, sim.write(a, BLOCK + 512, ThinPoolTest.bytes(4, 1024)));
        assertArrayEquals(source, all(b));
        byte[] changed = all(a);
        assertEquals(Errno.OK, sim.write(b, 2L * BLOCK, ThinPoolTest.bytes(5, 2 * BLOCK)));
        assertEquals(Errno.OK, sim.trim(b, 5L * BLOCK, BLOCK));
        assertArrayEquals(changed, all(a));
    }

    /**
     * A block that was mapped after the device's last snapshot, or whose sharing has ended, looks exclusive to time.
     */
    @Test
    void cl5ABlockThatWasWrittenInPlaceJustBeforeIsSharedAllTheSame() throws StorageException {
        jobs.cloneNow(new CloneSpec("a", 0, BLOCK, "b", 0, false));
        sim.write(a, 0, ThinPoolTest.bytes(6, BLOCK)); // a block of its own, of the present time
        sim.snapshot("a", "s").close();
        sim.await(sim.pool.deleteVolume("s"));
        sim.write(a, BLOCK, ThinPoolTest.bytes(7, 512)); // exclusive again, and published so
        assertTrue(sim.pool.counters().endedSharings.sum() > 0);
        jobs.cloneNow(new CloneSpec("a", 0, 2L * BLOCK, "b", 0, false));
        byte[] cloned = sim.read(b, 0, 2 * BLOCK);
        assertArrayEquals(sim.read(a, 0, 2 * BLOCK), cloned);
        sim.write(a, 512, ThinPoolTest.bytes(8, 512));
        sim.write(a, BLOCK + 512, ThinPoolTest.bytes(9, 512));
        assertArrayEquals(cloned, sim.read(b, 0, 2 * BLOCK));
    }

    @Test
    void theLastOwnerWritesInPlaceOnceTheOtherHasLetGoForGood() throws StorageException {
        jobs.cloneNow(JobRig.whole("a", "b"));
        sim.trim(b, 0, VOLUME);
        sim.flush(b);
        long copied = sim.pool.counters().brokenSharings.sum();
        sim.write(a, 0, ThinPoolTest.bytes(4, 512));
        assertEquals(copied, sim.pool.counters().brokenSharings.sum(), "D-6");
    }

    @Test
    void cl1ARangeOfAVolumeIntoItself() throws StorageException {
        byte[] expected = all(a);
        System.arraycopy(expected, 4 * BLOCK, expected, 10 * BLOCK, 4 * BLOCK);
        jobs.cloneNow(new CloneSpec("a", 4L * BLOCK, 4L * BLOCK, "a", 10L * BLOCK, true));
        assertArrayEquals(expected, all(a));
        sim.write(a, 10L * BLOCK, ThinPoolTest.bytes(4, 512));
        assertArrayEquals(Arrays.copyOfRange(expected, 4 * BLOCK, 8 * BLOCK), sim.read(a, 4L * BLOCK, 4 * BLOCK));
        jobs.cloneNow(new CloneSpec("a", 4L * BLOCK, 4L * BLOCK, "a", 10L * BLOCK, true));
        jobs.cloneNow(new CloneSpec("a", 4L * BLOCK, 4L * BLOCK, "a", 10L * BLOCK, true));
        assertArrayEquals(expected, all(a), "again, and once more when all is shared already");
    }

    @Test
    void cl2WritesToBothRangesWaitForTheStepAndReadsAndOthersDoNot() throws StorageException {
        byte[] old = all(b);
        byte[] source = all(a);
        Runnable[] rest = new Runnable[1];
        JobInfo job = jobs.start(new CloneSpec("a", 0, 4L * BLOCK, "b", 0, false), next -> rest[0] = next);
        sim.loops.advance(10_000_000L);
        assertTrue(rest[0] != null, "the step has read its mappings");
        SimHarness.Result inPlace = write(a, 512, 512);
        SimHarness.Result target = write(b, 3L * BLOCK, BLOCK);
        SimHarness.Result trim = sim.start(1, a, BlockOperation.DISCARD, BLOCK, 2L * BLOCK, 0, null);
        SimHarness.Result elsewhere = write(a, 9L * BLOCK, 512);
        CompletableFuture<?> snapshot = sim.pool.createSnapshot("b", "s", false);
        assertArrayEquals(Arrays.copyOf(source, 8 * BLOCK), sim.read(a, 0, 8 * BLOCK));
        assertArrayEquals(old, all(b));
        assertFalse(inPlace.isDone() || target.isDone() || trim.isDone() || snapshot.isDone());
        assertEquals(Errno.OK, elsewhere.errno);
        sim.loops.enter(2, rest[0]);
        assertEquals(JobInfo.State.DONE, jobs.finish(job).state());
        assertEquals(Errno.OK, inPlace.errno | target.errno | trim.errno);
        assertTrue(snapshot.isDone());
        assertArrayEquals(Arrays.copyOfRange(source, 0, 3 * BLOCK), sim.read(b, 0, 3 * BLOCK));
        assertArrayEquals(ThinPoolTest.bytes(9, BLOCK), sim.read(b, 3L * BLOCK, BLOCK));
    }

    private SimHarness.Result write(ThinVolume volume, long offset, int length) {
        SimHarness.Result result =
                sim.start(0, volume, BlockOperation.WRITE, offset, length, 0, ThinPoolTest.bytes(9, length));
        sim.loops.runUntilIdle();
        return result;
    }

    @Test
    void cl3AWriteUnderWayIsInTheClone() throws StorageException {
        // Neither has reached the disk when the clone begins: one provisions, one is in place.
        SimHarness.Result provisions =
                sim.start(0, a, BlockOperation.WRITE, 9L * BLOCK, 512, 0, ThinPoolTest.bytes(9, 512));
        SimHarness.Result inPlace = sim.start(1, a, BlockOperation.WRITE, 0, 512, 0, ThinPoolTest.bytes(9, 512));
        jobs.cloneNow(JobRig.whole("a", "b"));
        assertEquals(Errno.OK, provisions.errno | inPlace.errno);
        assertArrayEquals(all(a), all(b));
    }

    private void reopen(BlockDevice itsMetadata, BlockDevice itsData) throws StorageException {
        a.close();
        b.close();
        sim.shutDown();
        sim = SimPool.open(itsMetadata, itsData, 2, 2);
        jobs = new JobRig(sim);
        a = sim.pool.openVolume("a");
        b = sim.pool.openVolume("b");
    }

    @Test
    void cl3ABlockInPreparationIsWaitedFor() throws StorageException {
        SlowDisk slow = new SlowDisk(data);
        reopen(metadata, slow);
        slow.hold(request ->
                request.operation() == BlockOperation.WRITE && request.loop().index() == 2);
        SimHarness.Result provisions = write(a, 9L * BLOCK, BLOCK / 2);
        assertEquals(1, slow.heldCount());
        JobInfo job = jobs.start(new CloneSpec("a", 8L * BLOCK, 2L * BLOCK, "b", 0, false));
        sim.loops.advance(1_000_000_000L);
        assertEquals(0, jobs.show(job.id()).doneBytes());
        slow.letGo(sim);
        assertEquals(JobInfo.State.DONE, jobs.finish(job).state());
        assertEquals(Errno.OK, provisions.errno);
        assertArrayEquals(sim.read(a, 8L * BLOCK, 2 * BLOCK), sim.read(b, 0, 2 * BLOCK));
    }

    /** It would end in a block that the clone has by then, and change it after it was done. */
    @Test
    void cl3AWriteInPlaceIsWaitedFor() throws StorageException {
        SlowDisk slow = new SlowDisk(data);
        reopen(metadata, slow);
        sim.write(a, 0, ThinPoolTest.bytes(1, BLOCK));
        sim.read(a, 0, 512);
        slow.hold(request ->
                request.operation() == BlockOperation.WRITE && request.loop().index() == 0);
        SimHarness.Result inPlace = write(a, 512, 512);
        assertEquals(1, slow.heldCount());
        JobInfo job = jobs.start(new CloneSpec("a", 0, BLOCK, "b", 0, false));
        sim.loops.advance(1_000_000_000L);
        assertEquals(0, jobs.show(job.id()).doneBytes());
        slow.letGo(sim);
        assertEquals(JobInfo.State.DONE, jobs.finish(job).state());
        assertEquals(Errno.OK, inPlace.errno);
        assertArrayEquals(sim.read(a, 0, BLOCK), sim.read(b, 0, BLOCK));
    }

    /** MSG-6: what a step says of a device's sharing must not let writes in while a snapshot is waiting to be taken. */
    @Test
    void aStepLeavesTheBarrierOfASnapshotUp() throws StorageException {
        SlowDisk slowMetadata = new SlowDisk(metadata);
        SlowDisk slow = new SlowDisk(data);
        reopen(slowMetadata, slow);
        // A block that is mapped since the last sharing: loops write there by themselves.
        jobs.cloneNow(new CloneSpec("a", 0, BLOCK, "b", 0, false));
        sim.write(b, 14L * BLOCK, ThinPoolTest.bytes(3, BLOCK));
        sim.read(b, 0, 512);
        Runnable[] rest = new Runnable[1];
        JobInfo job = jobs.start(new CloneSpec("a", BLOCK, BLOCK, "b", BLOCK, false), next -> rest[0] = next);
        sim.loops.advance(10_000_000L);
        CompletableFuture<?> snapshot = sim.pool.createSnapshot("b", "s", false);
        sim.loops.runUntilIdle();
        assertFalse(snapshot.isDone(), "its barrier is up, and waits for the hold");
        slowMetadata.hold(request -> request.operation() == BlockOperation.WRITE && request.offsetBytes() == 0);
        sim.write(a, 14L * BLOCK, ThinPoolTest.bytes(1, 512));
        sim.start(0, a, BlockOperation.FLUSH, 0, 0, 0, null);
        sim.loops.runUntilIdle();
        assertEquals(1, slowMetadata.heldCount(), "a commit is under way");
        sim.loops.enter(2, rest[0]);
        sim.loops.runUntilIdle();
        assertFalse(snapshot.isDone(), "it waits for the commit");
        byte[] instant = sim.read(b, 14L * BLOCK, BLOCK);
        SimHarness.Result late = write(b, 14L * BLOCK, 512);
        assertFalse(late.isDone(), "held back");
        slowMetadata.letGo(sim);
        jobs.finish(job);
        assertTrue(snapshot.isDone());
        assertEquals(Errno.OK, late.errno);
        ThinVolume s = sim.pool.openVolume("s");
        assertArrayEquals(instant, sim.read(s, 14L * BLOCK, BLOCK));
        s.close();
    }

    @Test
    void cl6StepsAreBoundedAndACancelledCloneLeavesAPrefix() throws StorageException {
        byte[] source = all(a);
        byte[] old = all(b);
        JobInfo job = jobs.start(JobRig.whole("a", "b"), JobRig.steps(2));
        while (jobs.show(job.id()).doneBytes() < 6L * BLOCK) {
            sim.loops.advance(100_000L);
        }
        sim.await(sim.pool.jobs().pause(job.id()));
        sim.loops.advance(1_000_000_000L);
        JobInfo paused = jobs.show(job.id());
        assertEquals(JobInfo.State.PAUSED, paused.state());
        assertEquals(6L * BLOCK, paused.doneBytes());
        sim.await(sim.pool.jobs().resume(job.id()));
        sim.loops.advance(2 * Jobs.PAUSE_NANOS);
        sim.await(sim.pool.jobs().cancel(job.id()));
        JobInfo over = jobs.finish(job);
        assertEquals(JobInfo.State.CANCELLED, over.state());
        int done = (int) over.doneBytes();
        assertTrue(done > 6 * BLOCK && done < VOLUME && done % (2 * BLOCK) == 0, over.toString());
        System.arraycopy(source, 0, old, 0, done);
        assertArrayEquals(old, all(b));
        assertRefused(Errno.EINVAL, "job 1 is over: cancelled", sim.pool.jobs().cancel(job.id()));
    }

    @Test
    void cl7WhatIsDoneSurvivesACrashWithoutAFlush() throws StorageException {
        byte[] source = all(a);
        sim.flush(a);
        jobs.cloneNow(JobRig.whole("a", "b"));
        sim.close();
        metadata.crashLosingAll();
        data.crashLosingAll();
        SimPool.assertSound(metadata, "after the crash");
        try (SimPool again = SimPool.open(metadata, data, 2, 1)) {
            assertArrayEquals(source, again.read(again.pool.openVolume("b"), 0, (int) VOLUME));
            again.shutDown();
        }
    }

    @Test
    void aVolumeThatAJobWorksOnIsNotDeletedAndOneThatShrinksEndsTheJob() throws StorageException {
        JobInfo job = jobs.start(JobRig.whole("a", "b"), JobRig.steps(1));
        a.close();
        b.close();
        assertRefused(Errno.EBUSY, "in use by a job", sim.pool.deleteVolume("a"));
        sim.await(sim.pool.resizeVolume("a", 6L * BLOCK, true));
        JobInfo over = jobs.finish(job);
        a = sim.pool.openVolume("a");
        b = sim.pool.openVolume("b");
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains("smaller"), over.message());
        assertEquals(0, sim.pool.volume("a").openCount() - 1);
    }

    @Test
    void atMostSoManyAtOnceAndTheOverAreForgottenSomeTime() throws StorageException {
        for (int i = 0; i < Jobs.MAX_ACTIVE; i++) {
            JobInfo job = jobs.start(JobRig.whole("a", "b"), JobRig.steps(1));
            sim.await(sim.pool.jobs().pause(job.id()));
        }
        assertRefused(Errno.EBUSY, "4 jobs are under way", sim.pool.jobs().cloneRange(JobRig.whole("a", "b")));
        for (JobInfo job : jobs.list()) {
            jobs.finish(sim.await(sim.pool.jobs().cancel(job.id())));
        }
        for (int i = 0; i < 40; i++) {
            jobs.cloneNow(new CloneSpec("a", 0, BLOCK, "b", 0, false));
        }
        assertEquals(Jobs.MAX_REMEMBERED, jobs.list().size());
        assertRefused(Errno.ENOENT, "there is no job 1;", sim.pool.jobs().show(1));
    }

    @Test
    void badInputIsRefusedAndChangesNothing() throws StorageException {
        sim.await(sim.pool.createSnapshot("a", "ro", true));
        sim.await(sim.pool.createVolume(new VolumeSpec("odd", VOLUME - 512)));
        byte[] old = all(b);
        refuse("there is no volume 'x'", JobRig.whole("x", "b"));
        refuse("there is no volume 'x'", JobRig.whole("a", "x"));
        refuse("read-only", JobRig.whole("a", "ro"));
        refuse("multiples of the pool's block size", new CloneSpec("a", 512, BLOCK, "b", 0, false));
        refuse("multiples of the pool's block size", new CloneSpec("a", 0, BLOCK, "b", 512, false));
        refuse("multiple of the pool's block size", new CloneSpec("a", 0, 512, "b", 0, false));
        refuse("not in volume a", new CloneSpec("a", VOLUME, BLOCK, "b", 0, false));
        refuse("not in volume a", new CloneSpec("a", 0, VOLUME + BLOCK, "b", 0, false));
        refuse("not in volume a", new CloneSpec("a", 0, 0, "b", 0, false));
        refuse("not in volume a", new CloneSpec("a", -BLOCK, BLOCK, "b", 0, false));
        refuse("not in volume b", new CloneSpec("a", 0, VOLUME, "b", BLOCK, false));
        refuse("not in volume b", new CloneSpec("a", 0, BLOCK, "b", Long.MAX_VALUE - BLOCK + 1, false));
        refuse("overlap", new CloneSpec("a", 0, 2L * BLOCK, "a", BLOCK, false));
        refuse("overlap", JobRig.whole("a", "a"));
        refuse("unless the range ends where both volumes do", JobRig.whole("odd", "b"));
        assertArrayEquals(old, all(b));
        assertEquals(0, jobs.list().size());
        sim.await(sim.pool.createVolume(new VolumeSpec("odd2", VOLUME - 512)));
        jobs.cloneNow(JobRig.whole("odd", "odd2"));
    }

    private void refuse(String words, CloneSpec spec) {
        assertRefused(-1, words, sim.pool.jobs().cloneRange(spec));
    }

    private void assertRefused(int errno, String words, CompletableFuture<?> answer) {
        try {
            sim.await(answer);
        } catch (StorageException e) {
            assertTrue(e.getMessage().contains(words), e.getMessage());
            assertTrue(errno < 0 || e.errno() == errno, e.toString());
            return;
        }
        throw new AssertionError("not refused: " + words);
    }

    @Test
    void aLimitRefusesTheWholeBeforeAnythingIsChanged() throws StorageException {
        sim.await(sim.pool.limitVolume("b", new VolumeLimits(8L * BLOCK, 0, null)));
        byte[] old = all(b);
        JobInfo over = jobs.finish(jobs.start(JobRig.whole("a", "b"), JobRig.steps(1)));
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains("its limit is"), over.message());
        assertArrayEquals(old, all(b));
        jobs.cloneNow(new CloneSpec("a", 4L * BLOCK, 8L * BLOCK, "b", 4L * BLOCK, false));
    }

    /**
     * D-6a with a third state: the clone is in a transaction that is being written, and the clone's other owner lets go
     * in the next one. A crash leads to the one in between, where the block is shared.
     */
    @Test
    void d6aAClonesSharingThatOnlyTheFrozenTransactionKnowsForbidsWritingInPlace() throws StorageException {
        a.close();
        b.close();
        sim.shutDown();
        SlowDisk slow = new SlowDisk(metadata);
        sim = SimPool.open(slow, data, 2, 2);
        jobs = new JobRig(sim);
        a = sim.pool.openVolume("a");
        b = sim.pool.openVolume("b");
        byte[] old = all(a);
        sim.flush(a);
        // Paused after its first step, so that no commit of its own follows.
        JobInfo job = jobs.start(new CloneSpec("a", 0, 4L * BLOCK, "b", 0, false), JobRig.steps(2));
        while (jobs.show(job.id()).doneBytes() == 0) {
            sim.loops.advance(100_000L);
        }
        sim.await(sim.pool.jobs().pause(job.id()));
        slow.hold(request -> request.operation() == BlockOperation.WRITE && request.offsetBytes() == 0);
        SimHarness.Result flush = sim.start(0, b, BlockOperation.FLUSH, 0, 0, 0, null);
        sim.loops.runUntilIdle();
        assertEquals(1, slow.heldCount(), "the superblock of the transaction with the clone");
        assertEquals(Errno.OK, sim.trim(b, 0, 2L * BLOCK));
        assertEquals(Errno.OK, sim.write(a, 0, ThinPoolTest.bytes(5, 4096)));
        slow.letGo(sim);
        assertEquals(Errno.OK, flush.errno);
        sim.close();
        try (SimPool again = SimPool.open(metadata, data, 3, 1)) {
            assertArrayEquals(
                    Arrays.copyOf(old, 2 * BLOCK), again.read(again.pool.openVolume("b"), 0, 2 * BLOCK), "D-6a");
            again.shutDown();
        }
    }
}

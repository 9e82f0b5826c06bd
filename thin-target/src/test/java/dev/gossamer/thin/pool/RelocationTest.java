package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.OwnedRun;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.metadata.Mapping;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Moving data blocks under living volumes: evacuating a range, making the pool smaller (RL-1 to RL-6). */
class RelocationTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 16;
    private static final int DATA_BLOCKS = 96;
    private static final long VOLUME = (long) BLOCKS * BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(2 << 20);
    private final SimulatedDisk dataDisk = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
    private final SlowDisk data = new SlowDisk(dataDisk);
    private final Map<String, byte[]> model = new LinkedHashMap<>();
    private final Map<String, ThinVolume> handles = new LinkedHashMap<>();
    private SimPool sim;
    private JobRig jobs;

    /** Volumes that share leaves, blocks, and nothing; each of them open. */
    @BeforeEach
    void volumes() throws StorageException {
        SimPool.format(metadata, dataDisk);
        open();
        ThinVolume a = sim.create("a", VOLUME);
        sim.write(a, 0, ThinPoolTest.bytes(1, 10 * BLOCK));
        sim.snapshot("a", "s").close();
        sim.write(a, 2L * BLOCK, ThinPoolTest.bytes(2, 3 * BLOCK));
        sim.snapshot("a", "t").close();
        ThinVolume b = sim.create("b", VOLUME);
        sim.write(b, 0, ThinPoolTest.bytes(3, 4 * BLOCK));
        jobs.cloneNow(new CloneSpec("a", 0, 6L * BLOCK, "b", 8L * BLOCK, false));
        a.close();
        b.close();
        for (String name : new String[] {"a", "s", "t", "b"}) {
            model.put(name, sim.read(volume(name), 0, (int) VOLUME));
        }
    }

    private void open() throws StorageException {
        PoolOptions options = SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadata, dataDisk), 0);
        sim = SimPool.open(metadata, data, 1, 2, options);
        jobs = new JobRig(sim);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        if (!sim.isClosed()) {
            verify("at the end");
            sim.loops.runUntilIdle();
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after the test");
    }

    private ThinVolume volume(String name) {
        return handles.computeIfAbsent(name, sim.pool::openVolume);
    }

    private void verify(String where) {
        model.forEach((name, bytes) ->
                assertArrayEquals(bytes, sim.read(volume(name), 0, (int) VOLUME), where + ": " + name));
    }

    private void write(String name, int offset, byte[] bytes) {
        assertEquals(Errno.OK, sim.write(volume(name), offset, bytes));
        System.arraycopy(bytes, 0, model.get(name), offset, bytes.length);
    }

    private JobInfo evacuate(long fromBlock, long blocks) throws StorageException {
        return jobs.finish(sim.await(sim.pool.jobs().evacuate(fromBlock * BLOCK, blocks * BLOCK, false)));
    }

    private boolean isEmpty(long from, int blocks) throws StorageException {
        return sim.await(
                WorkerCalls.call(sim.pool.parts.loop, () -> sim.pool.parts.metadata.isUnreferenced(from, blocks)));
    }

    private void done(JobInfo job) {
        assertEquals(JobInfo.State.DONE, job.state(), job.message());
    }

    @Test
    void rl1AllOwnersOfARangeAreMovedAndShareWhatTheyShared() throws StorageException {
        sim.loops.advance(3_000_000_000L);
        final long used = sim.status().dataBlocksUsed();
        assertFalse(isEmpty(4, 20));
        done(evacuate(4, 20));
        assertTrue(isEmpty(4, 20));
        assertEquals(used, sim.status().dataBlocksUsed(), "sharing was kept");
        verify("moved");
        write("a", 0, ThinPoolTest.bytes(7, 2 * BLOCK));
        write("b", 9 * BLOCK + 512, ThinPoolTest.bytes(8, 512));
        write("s", 3 * BLOCK, ThinPoolTest.bytes(9, BLOCK));
        verify("written to");
        assertTrue(isEmpty(4, 20), "RL-6: nothing is allocated there");
    }

    @Test
    void rl6NothingIsAllocatedInTheRangeFromTheStart() throws StorageException {
        // Blocks that come free below the range, behind where the next one is looked for.
        assertEquals(Errno.OK, sim.trim(volume("s"), 0, VOLUME));
        assertEquals(Errno.OK, sim.trim(volume("b"), 0, 4L * BLOCK));
        Arrays.fill(model.get("s"), (byte) 0);
        Arrays.fill(model.get("b"), 0, 4 * BLOCK, (byte) 0);
        sim.flush(volume("b"));
        sim.loops.advance(3_000_000_000L);
        JobInfo job = sim.await(sim.pool.jobs().evacuate(60L * BLOCK, 36L * BLOCK, false));
        sim.await(sim.pool.createVolume(new VolumeSpec("c", VOLUME)));
        model.put("c", new byte[(int) VOLUME]);
        write("c", 0, ThinPoolTest.bytes(4, (int) VOLUME));
        done(jobs.finish(job));
        assertTrue(isEmpty(60, 36));
        long free = sim.status().dataBlocks() - sim.status().dataBlocksUsed() - 36;
        assertEquals(Errno.ENOSPC, fillUp(free));
        assertTrue(isEmpty(60, 36));
    }

    /** @return the errno of the first write that finds no space */
    private int fillUp(long freeBlocks) throws StorageException {
        ThinVolume rest = sim.create("rest", 100L * BLOCK);
        for (int i = 0; i < 100; i++) {
            int errno = sim.write(rest, (long) i * BLOCK, new byte[BLOCK]);
            if (errno != Errno.OK) {
                assertTrue(i >= freeBlocks - 2 && i <= freeBlocks, i + " blocks of " + freeBlocks);
                return errno;
            }
        }
        return Errno.OK;
    }

    @Test
    void rl5ShrinkToTheLeastGrowAndShrinkAgain() throws StorageException {
        sim.loops.advance(3_000_000_000L);
        long least = sim.status().dataBlocksUsed();
        refuse("no smaller than " + least * BLOCK, sim.pool.jobs().shrink((least - 1) * BLOCK));
        done(jobs.finish(sim.await(sim.pool.jobs().shrink(least * BLOCK))));
        assertEquals(least, sim.status().dataBlocks());
        assertEquals(least * BLOCK, dataDisk.sizeBytes(), "the file is cut");
        verify("shrunk");
        reopen();
        assertEquals(least, sim.status().dataBlocks());
        sim.await(sim.pool.grow(200L * BLOCK, -1));
        write("a", 10 * BLOCK, ThinPoolTest.bytes(5, 6 * BLOCK));
        verify("grown");
        sim.loops.advance(3_000_000_000L);
        done(jobs.finish(sim.await(sim.pool.jobs().shrink(60L * BLOCK))));
        assertEquals(60, sim.status().dataBlocks());
        write("s", 0, ThinPoolTest.bytes(6, 6 * BLOCK));
    }

    private void reopen() throws StorageException {
        handles.values().forEach(ThinVolume::close);
        handles.clear();
        sim.shutDown();
        SimPool.assertSound(metadata, "closed");
        open();
        verify("opened again");
    }

    /** T-RL6: a write in place that has begun is in the copy, one that comes later goes to the new place. */
    @Test
    void rl1WritersInPlaceLoseNothing() throws StorageException {
        write("b", 0, ThinPoolTest.bytes(4, 512)); // exclusive
        data.hold(request -> request.operation() == BlockOperation.WRITE);
        SimHarness.Result begun =
                sim.start(0, volume("b"), BlockOperation.WRITE, 1024, 512, 0, ThinPoolTest.bytes(5, 512));
        sim.loops.runUntilIdle();
        assertEquals(1, data.heldCount());
        JobInfo job = sim.await(sim.pool.jobs().evacuate(2L * BLOCK, 40L * BLOCK, false));
        sim.loops.advance(1_000_000_000L);
        assertEquals(1, data.heldCount(), "nothing is copied before the write has ended");
        SimHarness.Result later =
                sim.start(1, volume("b"), BlockOperation.WRITE, 2048, 512, 0, ThinPoolTest.bytes(6, 512));
        sim.loops.runUntilIdle();
        data.letGo(sim);
        done(jobs.finish(job));
        assertEquals(Errno.OK, begun.errno | later.errno);
        System.arraycopy(ThinPoolTest.bytes(5, 512), 0, model.get("b"), 1024, 512);
        System.arraycopy(ThinPoolTest.bytes(6, 512), 0, model.get("b"), 2048, 512);
        verify("moved under writers");
        assertEquals(Errno.OK, sim.flush(volume("b")));
    }

    /** T-RL7: a reader that is on its way to the old place gets the old data, and nobody gets the place before. */
    @Test
    void rl1AReaderOfTheOldPlaceGetsTheOldData() throws StorageException {
        data.hold(request ->
                request.operation() == BlockOperation.READ && request.loop().index() == 0);
        SimHarness.Result read = sim.start(0, volume("b"), BlockOperation.READ, 0, BLOCK, 0, null);
        sim.loops.runUntilIdle();
        assertEquals(1, data.heldCount());
        // It was begun before the job, so the job waits for it; the hold's own drain is for writes in flight.
        JobInfo job = sim.await(sim.pool.jobs().evacuate(2L * BLOCK, 40L * BLOCK, false));
        sim.loops.advance(100_000_000L);
        data.letGo(sim);
        done(jobs.finish(job));
        assertArrayEquals(Arrays.copyOf(model.get("b"), BLOCK), read.data);
    }

    @Test
    void rl1AReaderThatCameDuringTheCopyKeepsTheOldPlaceFromItsNextOwner() throws StorageException {
        data.hold(request ->
                request.operation() == BlockOperation.WRITE && request.loop().index() == 2);
        JobInfo job = sim.await(sim.pool.jobs().evacuate(2L * BLOCK, 40L * BLOCK, false));
        sim.loops.advance(100_000_000L);
        assertTrue(data.heldCount() > 0, "copies are on their way");
        data.hold(request ->
                request.operation() == BlockOperation.READ && request.loop().index() == 0);
        SimHarness.Result read = sim.start(0, volume("b"), BlockOperation.READ, 0, BLOCK, 0, null);
        sim.loops.runUntilIdle();
        List<BlockRequest> held = data.held();
        for (BlockRequest request : held) {
            if (request.operation() == BlockOperation.WRITE) {
                sim.loops.enter(2, () -> data.release(request));
            }
        }
        JobInfo over = jobs.finish(job);
        done(over);
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            sim.pool.parts.metadata.references().moves().close(0, 0);
            return null;
        }));
        sim.loops.advance(1_000_000_000L);
        sim.create("new", 80L * BLOCK).close();
        ThinVolume next = sim.pool.openVolume("new");
        for (int i = 0; i < 80; i++) {
            sim.start(1, next, BlockOperation.WRITE, (long) i * BLOCK, BLOCK, 0, ThinPoolTest.bytes(77, BLOCK));
            sim.loops.runUntilIdle();
        }
        data.letGo(sim);
        assertArrayEquals(Arrays.copyOf(model.get("b"), BLOCK), read.data);
        next.close();
    }

    /** G-7a: a flushed write to the new place must not be lost to a crash that leads back to the old one. */
    @Test
    void g7aAFlushAfterAMoveCommitsTheMove() throws StorageException {
        for (String name : model.keySet()) {
            sim.flush(volume(name));
        }
        JobInfo job = sim.await(sim.pool.jobs().evacuate(2L * BLOCK, 40L * BLOCK, false));
        while (jobs.show(job.id()).doneBytes() == 0) {
            sim.loops.advance(100_000L);
        }
        sim.await(sim.pool.jobs().pause(job.id()));
        write("b", 512, ThinPoolTest.bytes(5, 512));
        write("b", 3 * BLOCK, ThinPoolTest.bytes(6, 512));
        assertEquals(Errno.OK, sim.flush(volume("b")));
        sim.close();
        metadata.crashLosingAll();
        dataDisk.crashLosingAll();
        SimPool.assertSound(metadata, "after the crash");
        handles.clear();
        open();
        verify("after the crash");
    }

    @Test
    void rl3AMetadataSnapshotRefusesTheRange() throws StorageException {
        sim.await(sim.pool.reserveMetadataSnapshot());
        refuse("metadata snapshot", sim.pool.jobs().evacuate(4L * BLOCK, 8L * BLOCK, false));
        sim.await(sim.pool.releaseMetadataSnapshot());
        done(evacuate(4, 8));
    }

    /** At whatever point of a job it comes, and for as long as it is there; a cancelled job waits no longer. */
    @Test
    void rl3AMetadataSnapshotThatComesMeanwhileIsWaitedFor() throws StorageException {
        for (int steps = 0; steps < 12; steps++) {
            long from = 4 + 8L * (steps % 2);
            JobInfo job = sim.await(sim.pool.jobs().evacuate(from * BLOCK, 8L * BLOCK, false));
            sim.loops.advance(steps * 500_000L);
            sim.await(sim.pool.reserveMetadataSnapshot());
            sim.loops.advance(10_000_000_000L);
            JobInfo now = jobs.show(job.id());
            if (steps == 0) {
                assertEquals(JobInfo.State.RUNNING, now.state(), now.message());
                assertTrue(now.message().contains("waits until the metadata snapshot is released"), now.message());
                assertEquals(-1, now.remainingSeconds());
                sim.await(sim.pool.jobs().cancel(job.id()));
                assertEquals(JobInfo.State.CANCELLED, jobs.finish(job).state());
            }
            assertNotEquals(JobInfo.State.FAILED, now.state(), now.message());
            sim.await(sim.pool.releaseMetadataSnapshot());
            assertNotEquals(JobInfo.State.FAILED, jobs.finish(job).state());
            verify("after " + steps);
            reopen();
        }
    }

    @Test
    void aCancelledEvacuationOpensTheRangeAgain() throws StorageException {
        JobInfo job = sim.await(sim.pool.jobs().evacuate(2L * BLOCK, 90L * BLOCK - 2L * BLOCK * 20, false));
        sim.loops.advance(3_000_000L);
        sim.await(sim.pool.jobs().cancel(job.id()));
        assertEquals(JobInfo.State.CANCELLED, jobs.finish(job).state());
        verify("cancelled");
        sim.loops.advance(3_000_000_000L);
        assertEquals(Errno.ENOSPC, fillUp(DATA_BLOCKS - sim.status().dataBlocksUsed()));
    }

    /** One range can be closed: what was promised of an earlier one stays so. */
    @Test
    void rl6ARangeThatWasEmptiedStaysClosed() throws StorageException {
        sim.loops.advance(3_000_000_000L);
        done(evacuate(4, 20));
        refuse("take a range that includes them", sim.pool.jobs().evacuate(30L * BLOCK, 5L * BLOCK, false));
        refuse("take a range that includes them", sim.pool.jobs().shrink(80L * BLOCK));
        JobInfo job = sim.await(sim.pool.jobs().evacuate(3L * BLOCK, 30L * BLOCK, false));
        sim.await(sim.pool.jobs().cancel(job.id()));
        assertEquals(JobInfo.State.CANCELLED, jobs.finish(job).state());
        refuse("take a range that includes them", sim.pool.jobs().evacuate(30L * BLOCK, 5L * BLOCK, false));
        sim.loops.advance(3_000_000_000L);
        assertEquals(Errno.ENOSPC, fillUp(DATA_BLOCKS - 20 - sim.status().dataBlocksUsed()));
        assertTrue(isEmpty(4, 20), "it is closed as before");
    }

    @Test
    void badInputIsRefusedAndChangesNothing() throws StorageException {
        refuse("is not in the data device", sim.pool.jobs().evacuate(-1, BLOCK, false));
        refuse("is not in the data device", sim.pool.jobs().evacuate(0, 0, false));
        refuse("is not in the data device", sim.pool.jobs().evacuate((long) DATA_BLOCKS * BLOCK, BLOCK, false));
        refuse("is not in the data device", sim.pool.jobs().evacuate(BLOCK, Long.MAX_VALUE, false));
        refuse("no smaller size", sim.pool.jobs().shrink((long) DATA_BLOCKS * BLOCK));
        refuse("no smaller size", sim.pool.jobs().shrink(0));
        refuse("no smaller than", sim.pool.jobs().shrink(BLOCK));
        refuse("are free elsewhere", sim.pool.jobs().evacuate(0, (DATA_BLOCKS - 8L) * BLOCK, false));
        JobInfo job = sim.await(sim.pool.jobs().evacuate(60L * BLOCK, BLOCK, false));
        sim.await(sim.pool.jobs().pause(job.id()));
        refuse("empties a part", sim.pool.jobs().shrink(70L * BLOCK));
        sim.await(sim.pool.jobs().cancel(job.id()));
        jobs.finish(job);
        refuse(
                "byte 0 of the data device is the pool's catalog",
                sim.pool.jobs().evacuate(0, BLOCK, false));
    }

    @Test
    void aDeletedVolumesBlocksAreMovedOrGone() throws StorageException {
        ThinVolume big = sim.create("big", 40L * BLOCK);
        sim.write(big, 0, ThinPoolTest.bytes(4, 30 * BLOCK));
        big.close();
        sim.await(sim.pool.deleteVolume("big"));
        done(evacuate(2, 50));
        assertTrue(isEmpty(2, 50));
    }

    @Test
    void anUnreadableBlockEndsTheJobAndNothingElse() throws StorageException {
        sim.loops.advance(3_000_000_000L);
        data.hold(request -> request.operation() == BlockOperation.READ && request.offsetBytes() == 6L * BLOCK);
        JobInfo started = sim.await(sim.pool.jobs().evacuate(4L * BLOCK, 20L * BLOCK, false));
        sim.loops.advance(100_000_000L);
        data.failFirst(sim, Errno.EIO);
        data.hold(request -> false);
        JobInfo job = jobs.finish(started);
        assertEquals(JobInfo.State.FAILED, job.state());
        assertTrue(job.message().contains("1 block(s) cannot be read, the first at byte " + 6 * BLOCK), job.message());
        assertTrue(isEmpty(7, 17));
    }

    @Test
    void ownersOfARangeAreToldWithAllThatShareIt() throws StorageException {
        long block = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            int id = sim.pool.parts.devices.named("s").id();
            return Mapping.dataBlock(sim.pool.parts.metadata.lookup(id, 0));
        }));
        List<OwnedRun> runs = sim.owners(block * BLOCK + 512, 1);
        List<String> owners = runs.stream().map(OwnedRun::owner).sorted().toList();
        assertEquals(List.of("a", "b", "s", "t"), owners);
        OwnedRun ofClone =
                runs.stream().filter(run -> run.owner().equals("b")).findFirst().orElseThrow();
        assertEquals(new OwnedRun("b", block * BLOCK, BLOCK, 8L * BLOCK), ofClone);
        refuse("is not in the data device", sim.pool.jobs().owners(0, (long) DATA_BLOCKS * BLOCK + 1));
        long all = sim.owners(0, (long) DATA_BLOCKS * BLOCK).stream()
                .filter(run -> run.owner().equals("a"))
                .mapToLong(OwnedRun::lengthBytes)
                .sum();
        assertEquals(sim.pool.volume("a").mappedBytes(), all);
    }

    @Test
    void soManyLookForOwnersAtOnceAndNoMore() throws StorageException {
        List<CompletableFuture<List<OwnedRun>>> looks = new ArrayList<>();
        for (int i = 0; i < PoolJobs.MAX_LOOKS; i++) {
            looks.add(sim.pool.jobs().owners(0, BLOCK));
        }
        refuse("the most at once", sim.pool.jobs().owners(0, BLOCK));
        sim.loops.advance(1_000_000_000L);
        for (CompletableFuture<List<OwnedRun>> look : looks) {
            assertEquals("<catalog>", sim.await(look).getFirst().owner());
        }
        sim.owners(0, BLOCK);
    }

    /** Clients come in between, and a pool that is closed keeps nobody waiting. */
    @Test
    void theLookForOwnersPausesAfterEachStepAndEndsWithThePool() throws StorageException {
        CompletableFuture<List<OwnedRun>> answer = sim.pool.jobs().owners(0, (long) DATA_BLOCKS * BLOCK);
        for (int step = 0; step < 3; step++) {
            sim.loops.runUntilIdle();
            assertFalse(answer.isDone(), "it goes on without a pause");
            sim.loops.advance(1_000_000L);
        }
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.advance(1_000_000_000L);
        assertTrue(closed.isDone());
        assertTrue(answer.isDone());
    }

    private void refuse(String words, CompletableFuture<?> answer) {
        try {
            sim.await(answer);
        } catch (StorageException e) {
            assertTrue(e.getMessage().contains(words), e.getMessage());
            return;
        }
        throw new AssertionError("not refused: " + words);
    }
}

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.SpaceStatus;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Jobs that move blocks leave volumes what they have reserved, at every moment (S-6). */
class MovesAndReservationsTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int DATA_BLOCKS = 64;

    private final SimulatedDisk metadata = new SimulatedDisk(2 << 20);
    private final SimulatedDisk data = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
    private final SlowDisk slow = new SlowDisk(data);
    private SimPool sim;
    private JobRig jobs;

    @BeforeEach
    void pool() throws StorageException {
        SimPool.format(metadata, slow);
        sim = SimPool.open(metadata, slow, 1, 2, SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadata, data), 0));
        jobs = new JobRig(sim);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private ThinVolume reserving(int blocks) throws StorageException {
        VolumeLimits limits = new VolumeLimits(0, (long) blocks * BLOCK, null);
        sim.await(sim.pool.createVolume(new VolumeSpec("r", (long) blocks * BLOCK, limits)));
        return sim.pool.openVolume("r");
    }

    private static void refuse(String part, CompletableFuture<?> started, SimPool sim) {
        StorageException refused = assertThrows(StorageException.class, () -> sim.await(started));
        assertEquals(Errno.ENOSPC, refused.errno(), refused.getMessage());
        assertTrue(refused.getMessage().contains(part), refused.getMessage());
    }

    private void writeAll(ThinVolume volume, int blocks) {
        for (int i = 0; i < blocks; i++) {
            assertEquals(
                    Errno.OK,
                    sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)),
                    "block " + i + " of " + blocks + " reserved");
        }
    }

    @Test
    void s6APoolIsShrunkNoFurtherThanWhatIsReserved() throws StorageException {
        ThinVolume r = reserving(40);
        long least = sim.status().dataBlocksUsed() + 40;
        refuse(
                "no smaller than " + least * BLOCK + " bytes now: "
                        + sim.status().dataBlocksUsed() * BLOCK + " are in use, " + 40L * BLOCK + " are reserved",
                sim.pool.jobs().shrink(20L * BLOCK),
                sim);
        refuse("no smaller than", sim.pool.jobs().shrink((least - 1) * BLOCK), sim);
        JobInfo over = jobs.finish(sim.await(sim.pool.jobs().shrink(least * BLOCK)));
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        writeAll(r, 40);
    }

    @Test
    void s6ARangeIsEmptiedOnlyIfWhatIsReservedFitsBesideIt() throws StorageException {
        ThinVolume r = reserving(40);
        refuse("free elsewhere and not reserved", sim.pool.jobs().evacuate(20L * BLOCK, 40L * BLOCK, false), sim);
        writeAll(r, 40);
    }

    /** Others have taken what was free when the job began. */
    @Test
    void s6AMoveThatFindsOnlyReservedBlocksEnds() throws StorageException {
        ThinVolume v = sim.create("v", 64L * BLOCK);
        writeAll(v, 20);
        assertEquals(Errno.OK, sim.flush(v));
        final ThinVolume r = reserving(20);
        JobInfo job = sim.await(sim.pool.jobs().evacuate(8L * BLOCK, 8L * BLOCK, false));
        sim.await(sim.pool.jobs().pause(job.id()));
        SpaceStatus space = sim.status().space();
        long unreserved = space.dataBlocksFree() - space.dataBlocksReserved();
        assertTrue(unreserved > 8, space.toString());
        for (int i = 0; i < unreserved; i++) {
            assertEquals(Errno.OK, sim.write(v, (20L + i) * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        sim.await(sim.pool.jobs().resume(job.id()));
        slow.hold(request ->
                request.operation() == BlockOperation.WRITE && request.loop().index() == 2);
        sim.loops.advance(100_000_000L);
        assertEquals(0, slow.heldCount(), "no copy is begun");
        slow.hold(request -> false);
        JobInfo over = jobs.finish(job);
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains("not reserved for a volume"), over.message());
        writeAll(r, 20);
    }

    /**
     * Eight blocks are free beside what is reserved: as many at once are put in order. While they are copied the volume
     * that has reserved blocks gets all of them, and another's write waits for the copies' end.
     */
    @Test
    void s6ARunIsTakenOfWhatIsNotReservedAndComesBack() throws StorageException {
        ThinVolume v = sim.create("v", 64L * BLOCK);
        for (int i = 15; i >= 0; i--) {
            assertEquals(Errno.OK, sim.write(v, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        ThinVolume w = sim.create("w", 64L * BLOCK);
        ThinVolume r = reserving(20);
        SpaceStatus space = sim.status().space();
        long filling = space.dataBlocksFree() - space.dataBlocksReserved() - 8;
        for (int i = 0; i < filling; i++) {
            assertEquals(Errno.OK, sim.write(w, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        assertEquals(Errno.OK, sim.flush(w));
        sim.loops.advance(3_000_000_000L);
        slow.hold(request ->
                request.operation() == BlockOperation.WRITE && request.loop().index() == 2);
        JobInfo job = sim.await(sim.pool.jobs().defragment("v"));
        sim.loops.advance(50_000_000L);
        assertTrue(slow.heldCount() > 0, "copies are under way");
        slow.hold(request -> false); // these stay
        final SimHarness.Result other =
                sim.start(0, w, BlockOperation.WRITE, filling * BLOCK, BLOCK, 0, ThinPoolTest.bytes(9, BLOCK));
        for (int i = 0; i < 20; i++) {
            SimHarness.Result write =
                    sim.start(0, r, BlockOperation.WRITE, (long) i * BLOCK, BLOCK, 0, ThinPoolTest.bytes(i, BLOCK));
            sim.loops.advance(2_000_000_000L);
            assertTrue(write.isDone(), "block " + i + " waits for the job");
            assertEquals(Errno.OK, write.errno, "block " + i);
        }
        assertFalse(other.isDone(), "what the copies have taken comes back");
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        slow.letGo(sim);
        sim.loops.advance(3_000_000_000L);
        assertTrue(other.isDone());
        assertEquals(Errno.OK, other.errno);
        assertEquals(JobInfo.State.DONE, jobs.finish(job).state());
    }

    /** Nothing was moved, and no commit wakes those who wait. */
    @Test
    void whoWaitsForAMoveThatFailsGetsWhatItHadTaken() throws StorageException {
        ThinVolume v = sim.create("v", 64L * BLOCK);
        for (int i = 15; i >= 0; i--) {
            assertEquals(Errno.OK, sim.write(v, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        ThinVolume w = sim.create("w", 64L * BLOCK);
        long filling = sim.status().space().dataBlocksFree() - 16;
        for (int i = 0; i < filling; i++) {
            assertEquals(Errno.OK, sim.write(w, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        assertEquals(Errno.OK, sim.flush(w));
        sim.loops.advance(3_000_000_000L);
        slow.hold(request ->
                request.operation() == BlockOperation.WRITE && request.loop().index() == 2);
        JobInfo job = sim.await(sim.pool.jobs().defragment("v"));
        sim.loops.advance(50_000_000L);
        SimHarness.Result other =
                sim.start(0, w, BlockOperation.WRITE, filling * BLOCK, BLOCK, 0, ThinPoolTest.bytes(9, BLOCK));
        sim.loops.advance(10_000_000L);
        assertFalse(other.isDone());
        slow.failFirst(sim, Errno.EIO);
        slow.letGo(sim);
        assertEquals(JobInfo.State.FAILED, jobs.finish(job).state());
        sim.loops.advance(10_000_000L);
        assertTrue(other.isDone());
        assertEquals(Errno.OK, other.errno);
    }
}

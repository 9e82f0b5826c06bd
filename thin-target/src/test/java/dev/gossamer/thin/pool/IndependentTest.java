package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.OriginOpener;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpace;
import dev.gossamer.thin.VolumeSpec;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Volumes that get blocks of their own while they are used (CL-8). */
class IndependentTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 16;
    private static final int VOLUME = BLOCKS * BLOCK;
    private static final String ORIGIN = "/images/golden";

    private final SimulatedDisk metadata = new SimulatedDisk(2 << 20);
    private final SimulatedDisk dataDisk = new SimulatedDisk(100L * BLOCK);
    private final SlowDisk data = new SlowDisk(dataDisk);
    private final SimulatedDisk originDisk = new SimulatedDisk(10 * BLOCK + 4096);
    private final SlowDisk origin = new SlowDisk(originDisk);
    private SimPool sim;
    private JobRig jobs;

    @BeforeEach
    void volumes() throws StorageException {
        originDisk.writeNow(0, ThinPoolTest.bytes(50, 10 * BLOCK + 4096));
        originDisk.setReadOnly(true);
        SimPool.format(metadata, dataDisk);
        open(location -> origin);
        ThinVolume a = sim.create("a", VOLUME);
        sim.write(a, 0, ThinPoolTest.bytes(1, 10 * BLOCK));
        sim.snapshot("a", "c").close();
        a.close();
        sim.await(sim.pool.createVolumeOver(new VolumeSpec("o", VOLUME), ORIGIN, origin));
        ThinVolume o = sim.pool.openVolume("o");
        sim.write(o, 3L * BLOCK + 512, ThinPoolTest.bytes(2, 512));
        sim.write(o, 14L * BLOCK, ThinPoolTest.bytes(3, BLOCK));
        o.close();
        sim.loops.advance(3_000_000_000L);
    }

    private void open(OriginOpener opener) throws StorageException {
        sim = SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS, opener);
        jobs = new JobRig(sim);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private byte[] contents(String name) {
        ThinVolume volume = sim.pool.openVolume(name);
        byte[] bytes = sim.read(volume, 0, VOLUME);
        volume.close();
        return bytes;
    }

    private void done(JobInfo job) throws StorageException {
        JobInfo over = jobs.finish(job);
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
    }

    @Test
    void cl8AllThatIsSharedIsCopiedUnderWriters() throws StorageException {
        final byte[] before = contents("a");
        byte[] model = contents("c");
        data.hold(request ->
                request.operation() == BlockOperation.WRITE && request.loop().index() == 2);
        JobInfo job = sim.await(sim.pool.jobs().makeIndependent("c"));
        sim.loops.advance(50_000_000L);
        assertTrue(data.heldCount() > 0, "copies are on their way");
        ThinVolume c = sim.pool.openVolume("c");
        SimHarness.Result write = sim.start(0, c, BlockOperation.WRITE, 512, 512, 0, ThinPoolTest.bytes(9, 512));
        sim.loops.runUntilIdle();
        assertFalse(write.isDone(), "a write to what is being copied waits");
        assertArrayEquals(Arrays.copyOf(model, BLOCK), sim.read(c, 0, BLOCK), "a read does not");
        data.letGo(sim);
        done(job);
        assertEquals(Errno.OK, sim.finish(write).errno);
        System.arraycopy(ThinPoolTest.bytes(9, 512), 0, model, 512, 512);
        assertArrayEquals(model, contents("c"));
        assertArrayEquals(before, contents("a"));
        for (String name : new String[] {"a", "c"}) {
            VolumeSpace space = sim.await(sim.pool.space().of(name));
            assertEquals(10L * BLOCK, space.exclusiveBytes(), name + ": " + space);
        }
        long copied = sim.pool.counters().brokenSharings.sum();
        assertEquals(Errno.OK, sim.write(c, 4L * BLOCK, ThinPoolTest.bytes(4, 512)));
        assertEquals(copied, sim.pool.counters().brokenSharings.sum(), "writes go in place");
        c.close();
    }

    @Test
    void cl8AVolumeIsTakenOffItsOriginWithAllThatShowsThrough() throws StorageException {
        byte[] model = contents("o");
        JobInfo job = sim.await(sim.pool.jobs().detach("o"));
        ThinVolume o = sim.pool.openVolume("o");
        while (jobs.show(job.id()).doneBytes() == 0) {
            sim.loops.advance(1_000_000L);
        }
        sim.await(sim.pool.jobs().pause(job.id()));
        // TRIM would let the origin show through where it was copied already.
        assertEquals(Errno.OK, sim.trim(o, 0, 4L * BLOCK));
        assertEquals(Errno.OK, sim.trim(o, 5L * BLOCK, 100));
        assertEquals(Errno.OK, sim.write(o, 6L * BLOCK, ThinPoolTest.bytes(5, 512)));
        System.arraycopy(ThinPoolTest.bytes(5, 512), 0, model, 6 * BLOCK, 512);
        refuse("taken off its external origin", sim.pool.resizeVolume("o", VOLUME / 2, true));
        refuse("is being worked on", sim.pool.jobs().detach("o"));
        refuse("by a job", sim.pool.deleteVolume("o"));
        sim.await(sim.pool.jobs().resume(job.id()));
        done(job);
        assertArrayEquals(model, contents("o"));
        assertNull(sim.pool.volume("o").externalOrigin());
        // From now on a TRIM leaves zeros.
        assertEquals(Errno.OK, sim.trim(o, 0, 2L * BLOCK));
        Arrays.fill(model, 0, 2 * BLOCK, (byte) 0);
        assertArrayEquals(model, contents("o"));
        o.close();
        sim.shutDown();
        open(SimPool.NO_ORIGINS);
        assertArrayEquals(model, contents("o"));
    }

    /** A reader that is on its way to the origin when the volume is taken off it gets what was there. */
    @Test
    void cl8TheOriginIsClosedWhenItsLastReaderHasEnded() throws StorageException {
        byte[] model = contents("o");
        ThinVolume o = sim.pool.openVolume("o");
        origin.hold(request ->
                request.operation() == BlockOperation.READ && request.loop().index() == 0);
        SimHarness.Result read = sim.start(0, o, BlockOperation.READ, 5L * BLOCK, BLOCK, 0, null);
        sim.loops.runUntilIdle();
        assertEquals(1, origin.heldCount());
        JobInfo job = sim.await(sim.pool.jobs().detach("o"));
        sim.loops.advance(1_000_000_000L);
        assertFalse(jobs.show(job.id()).state().isFinal(), "a hold waits for what is on its way");
        origin.letGo(sim);
        done(job);
        assertArrayEquals(Arrays.copyOfRange(model, 5 * BLOCK, 6 * BLOCK), read.data);
        o.close();
    }

    /** A loop that has found a block unmapped before it was copied goes to the origin for it, not to zeros. */
    @Test
    void cl8TheOriginShowsUntilEveryLoopHasDrained() throws StorageException {
        JobInfo job = sim.await(sim.pool.jobs().detach("o"));
        ThinVolume o = sim.pool.openVolume("o");
        while (jobs.show(job.id()).doneBytes() < 10L * BLOCK) {
            sim.loops.advance(1_000_000L);
        }
        // All is copied; what the loop has looked up by now it may still act upon.
        data.hold(request ->
                request.operation() == BlockOperation.READ && request.loop().index() == 0);
        SimHarness.Result read = sim.start(0, o, BlockOperation.READ, 14L * BLOCK, 512, 0, null);
        sim.loops.advance(3_000_000_000L);
        assertEquals(1, data.heldCount());
        assertEquals(ORIGIN, sim.pool.volume("o").externalOrigin());
        assertFalse(jobs.show(job.id()).state().isFinal(), "TRIM would let the origin show through");
        data.letGo(sim);
        done(job);
        assertEquals(Errno.OK, read.errno);
        assertNull(sim.pool.volume("o").externalOrigin());
        o.close();
    }

    /** What the snapshot has of a volume is copied, be it shared with others or not; it frees the old blocks itself. */
    @Test
    void cl8BesideAMetadataSnapshotWhatThatHasIsCopiedToo() throws StorageException {
        final byte[] before = contents("a");
        final long used = sim.status().dataBlocksUsed();
        done(sim.await(sim.pool.jobs().makeIndependent("c")));
        sim.await(sim.pool.reserveMetadataSnapshot());
        JobInfo over = jobs.finish(sim.await(sim.pool.jobs().makeIndependent("c")));
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        assertEquals(10L * BLOCK, over.doneBytes());
        assertTrue(over.message().contains("what a metadata snapshot has of it was copied too"), over.message());
        assertArrayEquals(before, contents("c"));
        sim.loops.advance(3_000_000_000L);
        assertEquals(used + 20, sim.status().dataBlocksUsed(), "the snapshot has the ten of before");
        sim.await(sim.pool.releaseMetadataSnapshot());
        sim.loops.advance(3_000_000_000L);
        assertEquals(used + 10, sim.status().dataBlocksUsed());
        for (String name : new String[] {"a", "c"}) {
            assertEquals(10L * BLOCK, sim.await(sim.pool.space().of(name)).exclusiveBytes(), name);
        }
    }

    /** What it has copied by then is in no snapshot's way; what follows is copied once as well. */
    @Test
    void cl8AMetadataSnapshotMayComeWhileBlocksAreCopiedAndAVolumeIsTakenOff() throws StorageException {
        final byte[] before = contents("c");
        byte[] model = contents("o");
        data.hold(request ->
                request.operation() == BlockOperation.WRITE && request.loop().index() == 2);
        JobInfo copy = sim.await(sim.pool.jobs().makeIndependent("c"));
        JobInfo detach = sim.await(sim.pool.jobs().detach("o"));
        sim.loops.advance(50_000_000L);
        assertTrue(data.heldCount() > 0, "copies are on their way");
        sim.await(sim.pool.reserveMetadataSnapshot());
        data.letGo(sim);
        done(copy);
        done(detach);
        assertArrayEquals(model, contents("o"));
        assertArrayEquals(before, contents("c"));
        sim.await(sim.pool.releaseMetadataSnapshot());
        sim.loops.advance(3_000_000_000L);
        assertEquals(10L * BLOCK, sim.await(sim.pool.space().of("c")).exclusiveBytes());
    }

    @Test
    void badInputIsRefusedAndChangesNothing() throws StorageException {
        refuse("there is no volume 'x'", sim.pool.jobs().makeIndependent("x"));
        refuse("there is no volume 'x'", sim.pool.jobs().detach("x"));
        refuse("is over no external origin", sim.pool.jobs().detach("a"));
        ThinVolume rest = sim.create("rest", 90L * BLOCK);
        long free = sim.status().dataBlocks() - sim.status().dataBlocksUsed();
        sim.write(rest, 0, ThinPoolTest.bytes(1, (int) (free - 5) * BLOCK));
        rest.close();
        fail("this takes " + 10L * BLOCK + " bytes, and " + 5L * BLOCK + " are free", "c", true);
        fail("bytes, and " + 5L * BLOCK + " are free", "o", false);
        sim.await(sim.pool.deleteVolume("rest"));
        sim.loops.advance(3_000_000_000L);
        sim.await(sim.pool.limitVolume("o", new VolumeLimits(4L * BLOCK, 0, null)));
        fail("its limit is " + 4L * BLOCK, "o", false);
        sim.await(sim.pool.limitVolume("o", VolumeLimits.NONE));
        ThinVolume a = sim.pool.openVolume("a");
        assertTrue(sim.await(sim.pool.space().of("c")).exclusiveBytes() == 0, "nothing was copied");
        a.close();
    }

    private void fail(String words, String volume, boolean independent) throws StorageException {
        JobInfo over = jobs.finish(sim.await(
                independent
                        ? sim.pool.jobs().makeIndependent(volume)
                        : sim.pool.jobs().detach(volume)));
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains(words), over.message());
    }

    private void refuse(String words, CompletableFuture<?> answer) {
        StorageException e = assertThrows(StorageException.class, () -> sim.await(answer));
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }
}

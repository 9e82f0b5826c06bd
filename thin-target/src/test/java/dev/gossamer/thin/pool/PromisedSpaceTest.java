package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.SizeText;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A volume of 16 MiB with all of it promised, in a pool of 40 MiB that a neighbour fills (rules AC-13, AC-14, AC-17):
 * whatever is done to it is refused, or each of its blocks can be written once more.
 */
class PromisedSpaceTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 256;
    private static final int POOL_BLOCKS = 640;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk((long) POOL_BLOCKS * BLOCK);
    private SimPool sim;
    private ThinVolume db;
    private ThinVolume neighbour;
    private int filled;

    @BeforeEach
    void promised() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 1);
        sim.await(sim.pool.createVolume(
                new VolumeSpec("db", (long) BLOCKS * BLOCK, new VolumeLimits(0, (long) BLOCKS * BLOCK, null))));
        db = sim.pool.openVolume("db");
        neighbour = sim.create("neighbour", 2L * POOL_BLOCKS * BLOCK);
        writeAll(1);
    }

    @AfterEach
    void sound() throws StorageException {
        OwnRecount.checkAll(sim, "in the end");
        sim.loops.runUntilIdle();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private void writeAll(int seed) {
        for (int i = 0; i < BLOCKS; i++) {
            assertEquals(Errno.OK, sim.write(db, (long) i * BLOCK, ThinPoolTest.bytes(seed + i, 512)), "block " + i);
        }
        for (int i = 0; i < BLOCKS; i++) {
            assertEquals(
                    -1,
                    Arrays.mismatch(ThinPoolTest.bytes(seed + i, 512), sim.read(db, (long) i * BLOCK, 512)),
                    "block " + i);
        }
    }

    /** What no other number has, and no seed. */
    private static byte[] unique(int number) {
        return ByteBuffer.allocate(512).putInt(-1).putInt(number).array();
    }

    /** @return how many blocks it got */
    private int fill() {
        int before = filled;
        while (sim.write(neighbour, (long) filled * BLOCK, unique(filled)) == Errno.OK) {
            filled++;
        }
        return filled - before;
    }

    private void refused(CompletableFuture<?> answer, String... parts) {
        StorageException e = assertThrows(StorageException.class, () -> sim.await(answer));
        assertEquals(Errno.ENOSPC, e.errno(), e.getMessage());
        for (String part : parts) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
    }

    @Test
    void ac14ASnapshotThatWouldBreakThePromiseIsRefusedWithTheFigures() throws StorageException {
        fill();
        long free = sim.status().space().dataBlocksFree();
        refused(
                sim.pool.createSnapshot("db", "s", true),
                "cannot snapshot db: 16 MiB of what is promised to db would be needed again; "
                        + SizeText.of(free * BLOCK) + " are free and not promised",
                "lower the reserve, delete volumes or grow the pool");
        refused(
                sim.pool.createSnapshots(
                        List.of(new SnapshotSpec("neighbour", "n", true), new SnapshotSpec("db", "s", true))),
                "cannot snapshot neighbour, db");
        assertEquals(2, sim.pool.volumeCount());
        sim.await(sim.pool.createSnapshot("neighbour", "n", true));
        writeAll(2);
    }

    @Test
    void ac13AfterASnapshotTheNeighbourLeavesWhatIsNeededAgain() throws StorageException {
        sim.await(sim.pool.createSnapshot("db", "s", false));
        assertEquals(BLOCKS, sim.status().space().dataBlocksReserved());
        int got = fill();
        assertTrue(got < POOL_BLOCKS - 2 * BLOCKS, got + " blocks");
        assertTrue(sim.status().modeCause().contains("promised"), sim.status().modeCause());
        writeAll(2);
        assertEquals(0, fill(), "nothing is left for him afterwards");
        refused(sim.pool.createSnapshot("db", "t", false), "cannot snapshot db");
        writeAll(3);
    }

    /** What is opened knows nothing of what is written already: nobody gets what may be needed. */
    @Test
    void ac13ItHoldsFromTheFirstRequestAfterACrash() throws StorageException {
        sim.await(sim.pool.createSnapshot("db", "s", false));
        for (int i = 0; i < BLOCKS / 2; i++) {
            assertEquals(Errno.OK, sim.write(db, (long) i * BLOCK, ThinPoolTest.bytes(i, 512)));
        }
        assertEquals(Errno.OK, sim.flush(db));
        sim.close();
        metadata.crash(Seeds.splittable(1));
        data.crash(Seeds.splittable(2));
        sim = SimPool.open(metadata, data, 1, 1);
        db = sim.pool.openVolume("db");
        neighbour = sim.pool.openVolume("neighbour");
        int got = fill();
        assertTrue(OwnRecount.isKnown(sim) || got > 0);
        assertEquals(BLOCKS / 2, sim.status().space().dataBlocksReserved(), "it is known what it has");
        assertEquals(0, fill());
        writeAll(2);
    }

    @Test
    void ac14ARollbackThatWouldBreakThePromiseIsRefused() throws StorageException {
        sim.await(sim.pool.createSnapshot("db", "s", false));
        writeAll(2);
        db.close();
        fill();
        refused(sim.pool.rollBack("db", "s", "kept"), "cannot roll db back to s: 16 MiB");
        db = sim.pool.openVolume("db");
        writeAll(3);
    }

    @Test
    void ac13AfterARollbackEachBlockCanBeWritten() throws StorageException {
        sim.await(sim.pool.createSnapshot("db", "s", false));
        db.close();
        sim.await(sim.pool.rollBack("db", "s", "kept"));
        db = sim.pool.openVolume("db");
        fill();
        writeAll(3);
    }

    @Test
    void ac13WhatIsTrimmedCanBeWrittenAgain() {
        fill();
        assertEquals(Errno.OK, sim.trim(db, 0, (long) BLOCKS * BLOCK));
        assertEquals(0, sim.pool.volume("db").mappedBytes());
        assertEquals(0, fill(), "what it has given back is still promised to it");
        writeAll(2);
    }

    /** What is unmapped stays in use, for the metadata snapshot has it. */
    @Test
    void ac14ATrimBesideAMetadataSnapshotKeepsWhatCouldNotBeWrittenAgain() throws StorageException {
        sim.await(sim.pool.reserveMetadataSnapshot());
        fill();
        assertEquals(Errno.OK, sim.trim(db, 0, (long) BLOCKS * BLOCK));
        OwnRecount.check(sim, "after the trim");
        assertEquals(0, fill());
        writeAll(2);
        assertEquals(Errno.OK, sim.zero(db, 0, (long) BLOCKS * BLOCK, 0));
        for (int i = 0; i < BLOCKS; i++) {
            assertEquals(0, sim.read(db, (long) i * BLOCK, 512)[7], "zeros are a promise of their own: block " + i);
        }
        OwnRecount.check(sim, "after the zeros");
        writeAll(3);
        sim.await(sim.pool.releaseMetadataSnapshot());
        writeAll(4);
    }

    /** Deleting brings space back, in steps, and nobody gets more of it than is free. */
    @Test
    void ac13WhileASnapshotIsReclaimed() throws StorageException {
        sim.await(sim.pool.createSnapshot("db", "s", false));
        writeAll(2);
        fill();
        sim.await(sim.pool.deleteVolume("s"));
        assertEquals(Errno.OK, sim.trim(db, 0, (long) BLOCKS * BLOCK));
        fill();
        writeAll(3);
        assertTrue(fill() + filled > 0);
        writeAll(4);
    }

    @Test
    void ac14AReserveIsRefusedThatIsNotThere() throws StorageException {
        refused(
                sim.pool.limitVolume("neighbour", new VolumeLimits(0, 600L * BLOCK, null)),
                "cannot promise 37.5 MiB more to neighbour");
        refused(
                sim.pool.createVolume(new VolumeSpec(
                        "third", (long) POOL_BLOCKS * BLOCK, new VolumeLimits(0, (long) POOL_BLOCKS * BLOCK, null))),
                "cannot promise 40 MiB more to third");
        sim.await(sim.pool.limitVolume("db", VolumeLimits.NONE));
        assertTrue(fill() > POOL_BLOCKS - BLOCKS - 10);
        refused(sim.pool.limitVolume("neighbour", new VolumeLimits(0, 600L * BLOCK, null)), "neighbour");
        sim.await(sim.pool.limitVolume("db", new VolumeLimits(0, (long) BLOCKS * BLOCK, null)));
        writeAll(2);
    }

    @Test
    void ac14ACloneIsRefusedThatWouldBreakThePromise() throws StorageException {
        fill();
        sim.await(sim.pool.limitVolume("neighbour", new VolumeLimits(0, 0, null)));
        JobRig jobs = new JobRig(sim);
        CloneSpec spec = new CloneSpec("db", 0, 8L * BLOCK, "neighbour", 0, false);
        JobInfo over = jobs.finish(jobs.start(spec, JobRig.steps(4)));
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains("cannot clone from db to neighbour: 16 MiB"), over.message());
        writeAll(2);
    }

    @Test
    void ac13AThickVolumeHasAllOfItsSizePromisedWhateverSizeItGets() throws StorageException {
        db.close();
        sim.await(sim.pool.limitVolume("db", VolumeLimits.thickly()));
        assertEquals((long) BLOCKS * BLOCK, sim.pool.volume("db").promisedBytes());
        refused(sim.pool.resizeVolume("db", 40L << 20, false), "cannot promise 24 MiB more to db");
        sim.await(sim.pool.resizeVolume("db", 20L << 20, false));
        assertEquals(20L << 20, sim.pool.volume("db").promisedBytes());
        assertEquals(64, sim.status().space().dataBlocksReserved());
        sim.shutDown();
        sim = SimPool.open(metadata, data, 1, 1);
        assertTrue(sim.pool.volume("db").limits().thick(), "kept in the catalog");
        db = sim.pool.openVolume("db");
        neighbour = sim.pool.openVolume("neighbour");
        fill();
        for (int i = 0; i < 320; i++) {
            assertEquals(Errno.OK, sim.write(db, (long) i * BLOCK, new byte[512]), "block " + i);
        }
        db.close();
        sim.await(sim.pool.resizeVolume("db", 16L << 20, false));
        assertEquals(16L << 20, sim.pool.volume("db").promisedBytes());
        db = sim.pool.openVolume("db");
        assertTrue(fill() > 50, "what was cut off is for everybody");
        writeAll(2);
        refused(sim.pool.createSnapshot("db", "s", true), "cannot snapshot db");
    }

    /** The snapshot is larger, and a thick volume gets its size. */
    @Test
    void ac14ARollbackToALargerSizeWantsThatMuch() throws StorageException {
        db.close();
        sim.await(sim.pool.limitVolume("db", VolumeLimits.thickly()));
        sim.await(sim.pool.createSnapshot("db", "s", true));
        sim.await(sim.pool.resizeVolume("db", 1L << 20, false));
        fill();
        refused(sim.pool.rollBack("db", "s", "kept"), "cannot roll db back to s: 15 MiB");
        db = sim.pool.openVolume("db");
        for (int i = 0; i < 16; i++) {
            assertEquals(Errno.OK, sim.write(db, (long) i * BLOCK, new byte[512]));
        }
    }

    @Test
    void ac14WhatIsKeptForEmergenciesIsForCriticalVolumes() throws StorageException {
        sim.shutDown();
        sim = SimPool.open(metadata, data, 1, 1, SimPool.OPTIONS.withEmergency(16L * BLOCK));
        db = sim.pool.openVolume("db");
        neighbour = sim.pool.openVolume("neighbour");
        ThinVolume critical = sim.create("critical", 64L * BLOCK);
        fill();
        assertEquals(16, sim.status().space().dataBlocksFree());
        assertTrue(
                sim.status().modeCause().contains("1 MiB kept for critical ones"),
                sim.status().modeCause());
        assertEquals(Errno.ENOSPC, sim.write(critical, 0, new byte[512]), "nobody has said so yet");
        sim.await(sim.pool.limitVolume("critical", new VolumeLimits(0, 0, false, true, null, 0)));
        for (int i = 0; i < 16; i++) {
            assertEquals(Errno.OK, sim.write(critical, (long) i * BLOCK, new byte[512]), "block " + i);
        }
        assertEquals(Errno.ENOSPC, sim.write(critical, 63L * BLOCK, new byte[512]));
        assertEquals(0, fill());
        writeAll(2);
    }

    @Test
    void s2AVolumeMayHaveATimeOutOfItsOwn() throws StorageException {
        sim.shutDown();
        PoolOptions queueing = SimPool.OPTIONS.withOnFull(OnFull.QUEUE, Duration.ofSeconds(20));
        sim = SimPool.open(metadata, data, 1, 1, queueing);
        db = sim.pool.openVolume("db");
        neighbour = sim.pool.openVolume("neighbour");
        sim.await(sim.pool.limitVolume("neighbour", new VolumeLimits(0, 0, OnFull.ERROR)));
        fill();
        ThinVolume patient = sim.create("patient", 8L * BLOCK);
        ThinVolume hasty = sim.create("hasty", 8L * BLOCK);
        ThinVolume other = sim.create("other", 8L * BLOCK);
        sim.await(sim.pool.limitVolume("patient", new VolumeLimits(0, 0, false, false, null, 60)));
        sim.await(sim.pool.limitVolume("hasty", new VolumeLimits(0, 0, false, false, null, 5)));
        List<SimHarness.Result> writes = List.of(startWrite(patient), startWrite(hasty), startWrite(other));
        sim.loops.advance(4_900_000_000L);
        assertEquals(List.of(false, false, false), done(writes));
        sim.loops.advance(200_000_000L);
        assertEquals(List.of(false, true, false), done(writes));
        assertEquals(Errno.ENOSPC, sim.write(hasty, 0, new byte[512]), "nor does it wait later");
        sim.loops.advance(15_000_000_000L);
        assertEquals(List.of(false, true, true), done(writes));
        SimHarness.Result second = startWrite(patient);
        assertFalse(second.isDone(), "the pool's time-out is not for it");
        sim.loops.advance(40_000_000_000L);
        assertEquals(List.of(true, true, true), done(writes));
        assertEquals(Errno.ENOSPC, second.errno);
        assertEquals(Errno.OK, sim.trim(neighbour, 0, 4L * BLOCK));
        sim.loops.advance(2_000_000_000L);
        assertEquals(Errno.OK, sim.write(patient, 0, new byte[512]));
        assertEquals(Errno.OK, sim.write(hasty, 0, new byte[512]));
    }

    private SimHarness.Result startWrite(ThinVolume volume) {
        SimHarness.Result write = sim.start(0, volume, BlockOperation.WRITE, 0, 512, 0, new byte[512]);
        sim.loops.runUntilIdle();
        return write;
    }

    private static List<Boolean> done(List<SimHarness.Result> writes) {
        return writes.stream().map(SimHarness.Result::isDone).toList();
    }

    @Test
    void ac14DedupeLeavesWhatIsPromised() throws StorageException {
        // Two such volumes: sharing a block of each would free one, and two would be needed for it.
        sim.await(sim.pool.createVolume(new VolumeSpec("log", 8L * BLOCK, new VolumeLimits(0, 8L * BLOCK, null))));
        ThinVolume log = sim.pool.openVolume("log");
        for (int i = 0; i < 8; i++) {
            byte[] same = unique(POOL_BLOCKS + i);
            assertEquals(Errno.OK, sim.write(db, (long) i * BLOCK, same));
            assertEquals(Errno.OK, sim.write(log, (long) i * BLOCK, same));
        }
        fill();
        assertEquals(Errno.OK, sim.flush(db));
        JobInfo over = new JobRig(sim).finish(sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL)));
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        OwnRecount.check(sim, "deduped");
        fill();
        writeAll(2);
        for (int i = 0; i < 8; i++) {
            assertEquals(Errno.OK, sim.write(log, (long) i * BLOCK, ThinPoolTest.bytes(i, 512)), "block " + i);
        }
    }
}

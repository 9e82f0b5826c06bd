package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.device.PartialTrims;
import dev.gossamer.thin.device.ThinDevice;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** TRIMs that meet inside one block free it together (NBD T37a, A52a). */
class PartialTrimsTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long HALF = BLOCK / 2;
    private static final int BLOCKS = 16;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SlowDisk data = new SlowDisk(new SimulatedDisk(80L * BLOCK));
    private SimPool sim;
    private ThinVolume volume;

    @BeforeEach
    void open() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 37, 2);
        volume = sim.create("v", (long) BLOCKS * BLOCK);
        sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCKS * BLOCK));
    }

    @AfterEach
    void nothingIsLeftInUse() throws StorageException {
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private void trim(long offset, long length) {
        assertEquals(Errno.OK, sim.trim(volume, offset, length));
    }

    private long mappedBlocks() {
        return volume.info().mappedBytes() / BLOCK;
    }

    @Test
    void twoHalvesInEitherOrderFreeABlockT37aA52a() {
        byte[] before = sim.read(volume, 0, BLOCKS * BLOCK);
        for (int block = 0; block < BLOCKS; block++) {
            trim((long) block * BLOCK + (block & 1) * HALF, HALF);
        }
        assertEquals(BLOCKS, mappedBlocks());
        assertArrayEquals(before, sim.read(volume, 0, BLOCKS * BLOCK), "a trim of a part changes nothing");
        for (int block = 0; block < BLOCKS; block++) {
            trim((long) block * BLOCK + (1 - (block & 1)) * HALF, HALF);
        }
        assertEquals(0, mappedBlocks());
        assertArrayEquals(new byte[BLOCKS * BLOCK], sim.read(volume, 0, BLOCKS * BLOCK));
    }

    @Test
    void trimsThatOverlapBlocksOfBothSidesFreeThemToo() {
        // One sector short of blocks, as a file system behind a partition table trims.
        for (long offset = 4096 - BLOCK; offset < (long) BLOCKS * BLOCK; offset += BLOCK) {
            long from = Math.max(0, offset);
            trim(from, Math.min((long) BLOCKS * BLOCK, offset + BLOCK) - from);
        }
        assertEquals(0, mappedBlocks());
    }

    @Test
    void aWriteInBetweenKeepsTheBlockT37aA52a() throws StorageException {
        byte[] model = ThinPoolTest.bytes(1, BLOCKS * BLOCK);
        byte[] fresh = ThinPoolTest.bytes(2, 4096);
        // In the trimmed half: aligned, a part of a sector, zeros, on another loop.
        trim(0, HALF);
        sim.write(volume, 4096, fresh);
        System.arraycopy(fresh, 0, model, 4096, 4096);
        trim(BLOCK, HALF);
        sim.write(volume, BLOCK + 7, Arrays.copyOf(fresh, 9));
        System.arraycopy(fresh, 0, model, BLOCK + 7, 9);
        trim(2L * BLOCK, HALF);
        assertEquals(Errno.OK, sim.zero(volume, 2L * BLOCK, 4096, BlockRequest.NO_UNMAP));
        Arrays.fill(model, 2 * BLOCK, 2 * BLOCK + 4096, (byte) 0);
        trim(3L * BLOCK, HALF);
        assertEquals(
                Errno.OK,
                sim.finish(sim.start(1, volume, BlockOperation.WRITE, 3L * BLOCK, fresh.length, 0, fresh)).errno);
        System.arraycopy(fresh, 0, model, 3 * BLOCK, 4096);
        for (int block = 0; block < 4; block++) {
            trim((long) block * BLOCK + HALF, HALF);
        }
        assertEquals(BLOCKS, mappedBlocks());
        assertArrayEquals(model, sim.read(volume, 0, BLOCKS * BLOCK));
        // What the write left trimmed counts no more; all of it must be trimmed again.
        trim(0, HALF);
        trim(HALF, HALF);
        assertEquals(BLOCKS - 1, mappedBlocks());
    }

    @Test
    void aWriteWithASnapshotInBetweenKeepsTheBlock() throws StorageException {
        byte[] before = sim.read(volume, 0, BLOCK);
        trim(0, HALF);
        ThinVolume snapshot = sim.snapshot("v", "s");
        sim.write(volume, 0, ThinPoolTest.bytes(3, 4096));
        trim(HALF, HALF);
        assertEquals(BLOCKS, mappedBlocks());
        assertArrayEquals(ThinPoolTest.bytes(3, 4096), sim.read(volume, 0, 4096));
        // A shared block is let go of like any other; the snapshot keeps it.
        trim(BLOCK, HALF);
        trim(BLOCK + HALF, HALF);
        assertEquals(BLOCKS - 1, mappedBlocks());
        assertArrayEquals(before, sim.read(snapshot, 0, BLOCK));
        assertEquals(BLOCKS, snapshot.info().mappedBytes() / BLOCK);
        snapshot.close();
    }

    @Test
    void aBlockThatWasUnmappedAndWrittenAgainStartsAnewT37a() {
        trim(0, HALF);
        assertEquals(Errno.OK, sim.zero(volume, 0, BLOCK, 0));
        byte[] fresh = ThinPoolTest.bytes(4, BLOCK);
        assertEquals(Errno.OK, sim.write(volume, 0, fresh));
        trim(HALF, HALF);
        assertEquals(BLOCKS, mappedBlocks());
        assertArrayEquals(fresh, sim.read(volume, 0, BLOCK));
    }

    @Test
    void aTrimBeforeItsRegionIsLoadedIsKnownToLaterWritesT37a() throws StorageException {
        sim.shutDown();
        sim = SimPool.open(metadata, data, 38, 2);
        volume = sim.pool.openVolume("v");
        trim(0, HALF);
        trim(BLOCK, HALF);
        byte[] fresh = ThinPoolTest.bytes(6, 4096);
        assertEquals(Errno.OK, sim.write(volume, 0, fresh));
        trim(HALF, HALF);
        trim(BLOCK + HALF, HALF);
        assertEquals(BLOCKS - 1, mappedBlocks());
        assertArrayEquals(fresh, sim.read(volume, 0, 4096));
    }

    @Test
    void aTrimOfABlockThatIsBeingCopiedWaitsT37a() throws StorageException {
        sim.snapshot("v", "s").close();
        byte[] fresh = ThinPoolTest.bytes(7, 4096);
        data.hold(r -> r.operation() == BlockOperation.WRITE);
        SimHarness.Result copying = sim.start(0, volume, BlockOperation.WRITE, HALF, fresh.length, 0, fresh);
        sim.loops.runUntilIdle();
        SimHarness.Result first = sim.start(1, volume, BlockOperation.DISCARD, 0, HALF, 0, null);
        sim.loops.runUntilIdle();
        assertFalse(first.isDone(), "noted now, it would be lost when the copy is mapped");
        data.letGo(sim);
        assertEquals(Errno.OK, copying.errno | first.errno);
        sim.write(volume, 0, fresh);
        trim(HALF, HALF);
        assertEquals(BLOCKS, mappedBlocks());
        assertArrayEquals(fresh, sim.read(volume, 0, 4096));
    }

    @Test
    void rollbackAndResizeForgetT37a() throws StorageException {
        sim.snapshot("v", "s").close();
        trim(0, HALF);
        volume.close();
        sim.await(sim.pool.rollBack("v", "s", "kept"));
        volume = sim.pool.openVolume("v");
        trim(HALF, HALF);
        assertEquals(BLOCKS, mappedBlocks(), "what was trimmed was other contents");
        trim(BLOCK, HALF);
        sim.await(sim.pool.resizeVolume("v", 2L * BLOCKS * BLOCK, false));
        trim(BLOCK + HALF, HALF);
        assertEquals(BLOCKS, mappedBlocks());
    }

    /** Who unmaps or replaces a block forgets its record, and who maps one does too: jobs as well as clients. */
    @Test
    void blocksThatJobsUnmapOrReplaceStartAnewT37a() throws StorageException {
        JobRig jobs = new JobRig(sim);
        byte[] fresh = ThinPoolTest.bytes(8, 4096);
        assertEquals(Errno.OK, sim.zero(volume, 0, BLOCK, BlockRequest.NO_UNMAP));
        trim(0, HALF);
        JobInfo deduped = jobs.finish(sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL)));
        assertEquals(BLOCKS - 1, mappedBlocks(), deduped.message());
        assertEquals(Errno.OK, sim.write(volume, 0, fresh));
        trim(HALF, HALF);
        assertArrayEquals(fresh, sim.read(volume, 0, 4096), "written after the trim of its half");
        // A clone into a block of which the first half was trimmed.
        ThinVolume source = sim.create("source", BLOCK);
        byte[] cloned = ThinPoolTest.bytes(9, BLOCK);
        assertEquals(Errno.OK, sim.write(source, 0, cloned));
        trim(BLOCK, HALF);
        jobs.cloneNow(new CloneSpec("source", 0, BLOCK, "v", BLOCK, false));
        trim(BLOCK + HALF, HALF);
        assertArrayEquals(cloned, sim.read(volume, BLOCK, BLOCK), "cloned after the trim of its half");
        // A clone of a hole, then a write.
        assertEquals(Errno.OK, sim.trim(source, 0, BLOCK));
        trim(2L * BLOCK, HALF);
        jobs.cloneNow(new CloneSpec("source", 0, BLOCK, "v", 2L * BLOCK, false));
        assertEquals(Errno.OK, sim.write(volume, 2L * BLOCK, fresh));
        trim(2L * BLOCK + HALF, HALF);
        assertArrayEquals(fresh, sim.read(volume, 2L * BLOCK, 4096), "written after the clone of a hole");
        assertEquals(BLOCKS, mappedBlocks());
        source.close();
    }

    /** Found by a seed of the storm: neither what is copied nor what is beside it has other contents than before. */
    @Test
    void aVolumeThatGetsBlocksOfItsOwnKeepsWhatWasNotedT37a() throws StorageException {
        sim.snapshot("v", "s").close();
        byte[] fresh = ThinPoolTest.bytes(10, BLOCK);
        assertEquals(Errno.OK, sim.write(volume, BLOCK, fresh)); // its own already
        trim(0, HALF);
        trim(BLOCK, HALF);
        JobInfo over = new JobRig(sim).finish(sim.await(sim.pool.jobs().makeIndependent("v")));
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        trim(HALF, HALF);
        trim(BLOCK + HALF, HALF);
        assertEquals(BLOCKS - 2, mappedBlocks());
        assertArrayEquals(new byte[2 * BLOCK], sim.read(volume, 0, 2 * BLOCK));
    }

    @Test
    void theLastBlockIsFreedByWhatTheVolumeHasOfItT37a() throws StorageException {
        ThinVolume odd = sim.create("odd", BLOCK + 3 * 4096);
        sim.write(odd, BLOCK, ThinPoolTest.bytes(5, 3 * 4096));
        assertEquals(Errno.OK, sim.trim(odd, BLOCK, 2 * 4096));
        assertEquals(BLOCK, odd.info().mappedBytes());
        assertEquals(Errno.OK, sim.trim(odd, BLOCK + 2 * 4096, 4096));
        assertEquals(0, odd.info().mappedBytes());
        odd.close();
    }

    /** It waits for a copy of the block; by then the volume is larger, and the block has more than was trimmed. */
    @Test
    void aTrimThatCoversTheLastBlockAndWaitsFreesItOnlyIfItStillDoesT37a() throws StorageException {
        for (boolean grows : new boolean[] {false, true}) {
            String name = grows ? "grows" : "stays";
            byte[] bytes = ThinPoolTest.bytes(5, 3 * 4096);
            ThinVolume odd = sim.create(name, BLOCK + 3 * 4096);
            assertEquals(Errno.OK, sim.write(odd, BLOCK, bytes));
            sim.snapshot(name, name + "-s").close();
            data.hold(r -> r.operation() == BlockOperation.WRITE);
            SimHarness.Result copying = sim.start(0, odd, BlockOperation.WRITE, BLOCK, 4096, 0, new byte[4096]);
            sim.loops.runUntilIdle();
            SimHarness.Result trim = sim.start(1, odd, BlockOperation.DISCARD, BLOCK + 4096, 2 * 4096, 0, null);
            sim.loops.runUntilIdle();
            assertFalse(trim.isDone());
            data.letGo(sim);
            assertEquals(Errno.OK, copying.errno | trim.errno);
            if (grows) {
                sim.await(sim.pool.resizeVolume(name, 2L * BLOCK, true));
            }
            assertEquals(Errno.OK, sim.trim(odd, BLOCK, 4096));
            assertEquals(grows ? BLOCK : 0, odd.info().mappedBytes(), name);
            odd.close();
        }
    }

    @Test
    void lessThanASectorIsNotNoted() {
        for (int offset = 0; offset < BLOCK; offset += 2048) {
            trim(offset, 2048);
        }
        assertEquals(BLOCKS, mappedBlocks());
        assertTrue(PartialTrims.isWorthNoting(BLOCK, 100, 8192));
        assertFalse(PartialTrims.isWorthNoting(BLOCK, 100, 8191));
        assertFalse(PartialTrims.isWorthNoting(PartialTrims.MAX_BLOCK_BYTES * 2, 0, 8192), "bitmaps are bounded");
    }

    @Test
    void recordsAreBoundedAndTheOldestGoesFirst() {
        PartialTrims trims = new PartialTrims();
        ThinDevice device = new ThinDevice(1, BLOCK, 2L * PartialTrims.MAX_RECORDS * BLOCK, null);
        for (long block = 0; block <= PartialTrims.MAX_RECORDS; block++) {
            assertFalse(trims.add(device, block, block * BLOCK, block * BLOCK + HALF));
            if (block == 1) {
                trims.add(device, 0, 0, HALF);
            }
        }
        assertEquals(PartialTrims.MAX_RECORDS, trims.count());
        assertTrue(trims.contains(device, 0), "used after the first one");
        assertFalse(trims.contains(device, 1));
        assertTrue(trims.add(device, 0, HALF, BLOCK));
        trims.forget(device);
        assertEquals(0, trims.count());
    }

    /** Pieces of all sizes and writes, against a model. */
    @Test
    void aStormOfPiecesAgreesWithTheModelT37a() {
        TrimmedSectors trimmed = new TrimmedSectors();
        SplittableRandom random = Seeds.splittable(37);
        byte[] model = sim.read(volume, 0, BLOCKS * BLOCK);
        for (int step = 0; step < 3000; step++) {
            int offset = random.nextInt(BLOCKS * BLOCK / 2048) * 2048;
            int length = Math.min(BLOCKS * BLOCK - offset, (1 + random.nextInt(40)) * 2048);
            if (random.nextInt(8) > 0) {
                for (int unmapped : trimmed.trim(offset, length)) {
                    Arrays.fill(model, unmapped, unmapped + BLOCK, (byte) 0);
                }
                trim(offset, length);
            } else {
                byte[] bytes = ThinPoolTest.bytes(step, length);
                trimmed.written(offset, length);
                System.arraycopy(bytes, 0, model, offset, length);
                assertEquals(Errno.OK, sim.write(volume, offset, bytes));
            }
            int difference = Arrays.mismatch(model, sim.read(volume, 0, BLOCKS * BLOCK));
            assertEquals(-1, difference, "step " + step + ": differs from the model at this byte");
        }
    }
}

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.PoolCaches;
import dev.gossamer.thin.commit.Committer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Freed blocks on their way back take no more memory than they may: who would free more waits (DI-6a). */
class WithheldTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 6000;
    private static final long VOLUME = (long) BLOCKS * BLOCK;

    /** A set for the one bitmap, and some 250 runs. */
    private static final int LIMIT_BYTES = 4096;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SlowDisk data = new SlowDisk(new VoidDisk(4 * VOLUME));
    private SimPool sim;
    private ThinVolume volume;

    private void open() throws StorageException {
        SimPool.format(metadata, data);
        PoolCaches caches = new PoolCaches(4096, 1 << 20, LIMIT_BYTES);
        sim = SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS.withCaches(caches));
        volume = sim.create("v", VOLUME);
        fill(volume);
    }

    private void fill(ThinVolume its) {
        for (int i = 0; i < BLOCKS; i++) {
            assertEquals(Errno.OK, sim.write(its, (long) i * BLOCK, new byte[512]));
        }
        assertEquals(Errno.OK, sim.flush(its));
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        sim.close();
        SimPool.assertSound(metadata, "after the test");
    }

    /** A read that does not end keeps all from being released that was freed since. */
    private SimHarness.Result stuckRead() {
        data.hold(r -> r.operation() == BlockOperation.READ && r.loop().index() == 0);
        SimHarness.Result read = sim.start(0, volume, BlockOperation.READ, BLOCK, 512, 0, null);
        sim.loops.runUntilIdle();
        assertFalse(read.isDone());
        return read;
    }

    @Test
    void scatteredTrimsWaitWhileTooMuchIsWithheldAndWritesGoOn() throws StorageException {
        open();
        SimHarness.Result read = stuckRead();
        List<SimHarness.Result> trims = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            trims.add(sim.start(1, volume, BlockOperation.DISCARD, 2L * i * BLOCK, BLOCK, 0, null));
            if (i % 50 == 49) {
                sim.loops.runUntilIdle();
                sim.start(1, volume, BlockOperation.FLUSH, 0, 0, 0, null);
                sim.loops.runUntilIdle();
            }
        }
        long done = trims.stream().filter(SimHarness.Result::isDone).count();
        assertTrue(done >= 250 && done <= 350, done + " trims were carried out");
        assertTrue(withheldBytes() <= LIMIT_BYTES + 50 * 8, withheldBytes() + " bytes: a transaction above the limit");
        long at = (BLOCKS - 1L) * BLOCK;
        assertEquals(Errno.OK, sim.finish(sim.start(1, volume, BlockOperation.WRITE, at, 512, 0, new byte[512])).errno);
        data.letGo(sim);
        sim.loops.advance(100 * Committer.PERIOD_NANOS);
        assertEquals(Errno.OK, read.errno);
        for (SimHarness.Result trim : trims) {
            assertEquals(Errno.OK, trim.errno, "a trim waits for ever");
        }
        assertEquals(0, withheldBytes());
        assertEquals((BLOCKS - 600L) * BLOCK, sim.pool.volume("v").mappedBytes());
        volume.close();
    }

    @Test
    void reclaimingAndShrinkingWaitTooAndGoOnByThemselves() throws StorageException {
        open();
        ThinVolume other = sim.create("other", VOLUME);
        for (int i = 0; i < 600; i++) {
            assertEquals(Errno.OK, sim.write(other, (long) i * BLOCK, new byte[512]));
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, new byte[512]));
        }
        fill(other);
        other.close();
        SimHarness.Result read = stuckRead();
        for (int i = 0; i < 300; i++) {
            sim.start(1, volume, BlockOperation.DISCARD, 2L * i * BLOCK, BLOCK, 0, null);
        }
        sim.loops.runUntilIdle();
        sim.start(1, volume, BlockOperation.FLUSH, 0, 0, 0, null);
        sim.loops.runUntilIdle();
        assertTrue(withheldBytes() > LIMIT_BYTES);
        sim.await(sim.pool.deleteVolume("other"));
        final var shrunk = sim.pool.resizeVolume("v", 100L * BLOCK, true);
        sim.loops.advance(3 * Committer.PERIOD_NANOS);
        assertEquals(BLOCKS, sim.status().reclaimBlocks(), "nothing more is freed");
        assertFalse(shrunk.isDone());
        data.letGo(sim);
        sim.loops.advance(100 * Committer.PERIOD_NANOS);
        sim.await(shrunk);
        assertEquals(Errno.OK, read.errno);
        assertEquals(0, sim.status().reclaimBlocks());
        assertEquals(50L * BLOCK, sim.pool.volume("v").mappedBytes());
        volume.close();
    }

    /** What was trimmed of a block before, and is written while the last part of it waits, is data again (T37a). */
    @Test
    void aTrimThatCoversABlockAndThenWaitsDoesNotTakeWhatIsWrittenMeanwhile() throws StorageException {
        open();
        long odd = (BLOCKS - 1L) * BLOCK;
        assertEquals(Errno.OK, sim.trim(volume, odd, BLOCK / 2));
        assertEquals(Errno.OK, sim.trim(volume, odd - BLOCK, BLOCK / 2));
        SimHarness.Result read = stuckRead();
        for (int i = 0; i < 300; i++) {
            sim.start(1, volume, BlockOperation.DISCARD, 2L * i * BLOCK, BLOCK, 0, null);
        }
        sim.loops.runUntilIdle();
        sim.start(1, volume, BlockOperation.FLUSH, 0, 0, 0, null);
        sim.loops.runUntilIdle();
        assertTrue(withheldBytes() > LIMIT_BYTES);
        List<SimHarness.Result> trims = new ArrayList<>();
        for (long block = odd; block >= odd - BLOCK; block -= BLOCK) {
            trims.add(sim.start(1, volume, BlockOperation.DISCARD, block + BLOCK / 2, BLOCK / 2, 0, null));
        }
        sim.loops.runUntilIdle();
        assertFalse(trims.getFirst().isDone());
        assertEquals(
                Errno.OK, sim.finish(sim.start(1, volume, BlockOperation.WRITE, odd, 512, 0, new byte[512])).errno);
        data.letGo(sim);
        sim.loops.advance(100 * Committer.PERIOD_NANOS);
        assertEquals(Errno.OK, read.errno | trims.getFirst().errno | trims.getLast().errno);
        assertEquals((BLOCKS - 301L) * BLOCK, sim.pool.volume("v").mappedBytes(), "the other one is free");
        volume.close();
    }

    private long withheldBytes() throws StorageException {
        return sim.status().space().withheldBytes();
    }
}

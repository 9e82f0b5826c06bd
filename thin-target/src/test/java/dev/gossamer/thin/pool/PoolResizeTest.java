package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Growth of a pool's devices (rules RS-1, RS-2, RS-4, C-4, S-7), also when the power fails on the way. */
class PoolResizeTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L << 20;

    @Test
    void bothDevicesGrowInManyStepsWhileTheyAreUsed() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(64 * 4096);
        SimulatedDisk data = new SimulatedDisk(10L * BLOCK);
        SimPool.format(metadata, data);
        try (SimPool sim = open(metadata, data, 0)) {
            ThinVolume volume = sim.create("v", VOLUME);
            for (int step = 1; step <= 7; step++) {
                SimHarness.Result[] writes = new SimHarness.Result[4];
                for (int i = 0; i < writes.length; i++) {
                    int block = step * 4 + i;
                    writes[i] =
                            sim.start(i & 1, volume, BlockOperation.WRITE, (long) block * BLOCK, 512, 0, stamp(block));
                }
                CompletableFuture<Void> grown = sim.pool.grow((10L + step * 4L) * BLOCK, (64 + step * 20_000L) * 4096);
                sim.await(grown);
                assertEquals(10 + step * 4, sim.status().dataBlocks(), "RS-1: the exact total");
                assertEquals(64 + step * 20_000L, sim.status().metadataBlocks(), "RS-1");
                for (SimHarness.Result write : writes) {
                    assertEquals(Errno.OK, sim.finish(write).errno, "RS-2");
                }
            }
            assertEquals(Errno.OK, sim.flush(volume));
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after growth over several bitmaps");
        try (SimPool sim = open(metadata, data, 0)) {
            for (int block = 4; block < 32; block++) {
                assertArrayEquals(
                        stamp(block), sim.read(sim.pool.openVolume("v"), (long) block * BLOCK, 512), "block " + block);
            }
        }
    }

    @Test
    void aLargerDeviceIsNotUsedBeforeItIsAskedForAndASmallerOneIsRefused() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(4 << 20);
        SimulatedDisk data = new SimulatedDisk(10L * BLOCK);
        SimPool.format(metadata, data);
        data.resize(20L * BLOCK + 4096);
        try (SimPool sim = open(metadata, data, 0)) {
            assertEquals(10, sim.status().dataBlocks(), "C-4");
            sim.await(sim.pool.grow(0, -1));
            assertEquals(20, sim.status().dataBlocks(), "RS-1: rounded down to blocks");
            assertThrows(StorageException.class, () -> sim.await(sim.pool.grow(15L * BLOCK, -1)), "RS-1");
            sim.shutDown();
        }
        data.resize(19L * BLOCK);
        StorageException refused = assertThrows(StorageException.class, () -> open(metadata, data, 0));
        assertTrue(refused.getMessage().contains("too small"), "C-4: " + refused.getMessage());
    }

    @Test
    void aPoolThatNeedsCheckingDoesNotGrow() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(4 << 20);
        SimulatedDisk data = new SimulatedDisk(10L * BLOCK);
        FaultPlan faults = new FaultPlan();
        SimPool.format(metadata, data);
        try (SimPool sim = open(new FaultyDevice(metadata, faults), metadata, data, 0)) {
            ThinVolume volume = sim.create("v", VOLUME);
            sim.write(volume, 0, stamp(1));
            faults.fail(BlockOperation.WRITE, 1, Errno.EIO);
            assertEquals(Errno.EIO, sim.flush(volume));
            assertThrows(StorageException.class, () -> sim.await(sim.pool.grow(20L * BLOCK, 8 << 20)), "M-4");
            assertEquals(10, sim.status().dataBlocks());
            assertEquals(10L * BLOCK, data.geometry().sizeBytes(), "refused before anything was changed");
        }
        try (SimPool sim = open(metadata, data, 0)) {
            assertThrows(StorageException.class, () -> sim.await(sim.pool.grow(20L * BLOCK, -1)), "M-4");
        }
    }

    @Test
    void aPoolThatExtendsItselfNeverRunsOutBelowItsCeiling() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(40 * 4096);
        SimulatedDisk data = new SimulatedDisk(16L * BLOCK);
        SimPool.format(metadata, data);
        long ceiling = 2000L * BLOCK;
        try (SimPool sim = open(metadata, data, ceiling)) {
            ThinVolume volume = sim.create("v", 1L << 30);
            int block = 0;
            while (sim.write(volume, (long) block * BLOCK, stamp(block)) == Errno.OK) {
                block++;
            }
            assertEquals(2000, sim.status().dataBlocks(), "S-7: up to the ceiling");
            assertEquals(0, sim.status().space().dataBlocksFree());
            assertTrue(block >= 1995, "all but the catalog's blocks were for the volume: " + block);
            assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
            assertEquals(3, sim.pool.eventCount(PoolEvent.Kind.GROWN), "twice the data, once the metadata");
            assertTrue(sim.status().metadataBlocks() > 40);
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after extension");
    }

    /**
     * After each operation of a run that fills, waits, grows and goes on; both devices may lose what was not flushed.
     */
    @Test
    void powerMayFailAtAnyMomentOfRunningOutAndGrowing() throws StorageException {
        long operations = cutRun(Long.MAX_VALUE, 1);
        assertTrue(operations > 50, "only " + operations + " operations");
        for (long cut = 0; cut < operations; cut++) {
            cutRun(cut, 1 + cut % 3);
        }
    }

    private static long cutRun(long cut, long seed) throws StorageException {
        String where = "cut after " + cut;
        PowerSupply power = new PowerSupply();
        SimulatedDisk metadata = new SimulatedDisk(64 * 4096, 512, power);
        SimulatedDisk data = new SimulatedDisk(8L * BLOCK, 512, power);
        SimPool.format(metadata, data);
        long before = power.operations();
        int flushed = 0;
        int written = 0;
        try (SimPool sim = open(metadata, data, 0)) {
            if (cut != Long.MAX_VALUE) {
                power.cutAfter(cut);
            }
            try {
                ThinVolume volume = sim.create("v", VOLUME);
                for (int round = 0; round < 4; round++) {
                    SimHarness.Result last = null;
                    for (int i = 0; i < 6; i++) {
                        last = sim.start(
                                0, volume, BlockOperation.WRITE, (long) written * BLOCK, 512, 0, stamp(written));
                        sim.loops.runUntilIdle();
                        written++;
                    }
                    sim.await(sim.pool.grow(data.geometry().sizeBytes() + 8L * BLOCK, -1));
                    sim.await(sim.pool.grow(-1, metadata.geometry().sizeBytes() + 64 * 4096));
                    if (!last.isDone() || last.errno != Errno.OK || sim.flush(volume) != Errno.OK) {
                        break;
                    }
                    flushed = written;
                }
            } catch (StorageException e) {
                assertTrue(!power.isOn(), where + ": " + e.getMessage());
            }
            sim.loops.runUntilIdle();
        }
        long operations = power.operations() - before;
        SplittableRandom random = Seeds.splittable(seed * 1000 + cut);
        metadata.crash(random);
        data.crash(random);
        power.restore();
        SimPool.assertSound(metadata, where);
        try (SimPool sim = open(metadata, data, 0)) {
            assertEquals(PoolMode.WRITE, sim.pool.mode(), where);
            ThinVolume volume = sim.pool.openVolume("v");
            for (int block = 0; block < flushed; block++) {
                assertArrayEquals(
                        stamp(block), sim.read(volume, (long) block * BLOCK, 512), where + ", flushed block " + block);
            }
            sim.await(sim.pool.grow(0, 0));
            assertEquals(Errno.OK, sim.write(sim.create("again", VOLUME), 0, stamp(1)), where);
            sim.shutDown();
        }
        SimPool.assertSound(metadata, where + ", after going on");
        return operations;
    }

    private static SimPool open(SimulatedDisk metadata, SimulatedDisk data, long autoExtendBytes)
            throws StorageException {
        return open(metadata, metadata, data, autoExtendBytes);
    }

    private static SimPool open(
            dev.gossamer.io.BlockDevice metadata, SimulatedDisk metadataDisk, SimulatedDisk data, long autoExtendBytes)
            throws StorageException {
        OnFull onFull = autoExtendBytes > 0 ? OnFull.ERROR : OnFull.QUEUE;
        PoolOptions options = PoolOptions.DEFAULT
                .withOnFull(onFull, Duration.ofSeconds(20))
                .withGrowth(new SimPool.DiskGrowth(metadataDisk, data), autoExtendBytes);
        return SimPool.open(metadata, data, 1, 2, options);
    }

    private static byte[] stamp(int number) {
        return ThinPoolTest.bytes(number, 512);
    }
}

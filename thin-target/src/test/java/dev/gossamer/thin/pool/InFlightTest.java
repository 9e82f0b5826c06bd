package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.VolumeInfo;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Requests that are slow at the disk while the mapping they used goes away. */
class InFlightTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L << 20;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SlowDisk data = new SlowDisk(new SimulatedDisk(16L * BLOCK));

    @Test
    void aFreedBlockIsNotGivenOutWhileAReadOfItIsUnderWay() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 2)) {
            ThinVolume volume = sim.create("v", VOLUME);
            int free = (int) (sim.status().dataBlocks() - sim.status().dataBlocksUsed());
            for (int i = 0; i < free; i++) {
                sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK));
            }
            sim.flush(volume);
            data.hold(r -> r.operation() == BlockOperation.READ && r.loop().index() == 0);
            SimHarness.Result read = sim.start(0, volume, BlockOperation.READ, 0, BLOCK, 0, null);
            sim.loops.runUntilIdle();
            assertFalse(read.isDone());
            assertEquals(Errno.OK, sim.finish(sim.start(1, volume, BlockOperation.DISCARD, 0, BLOCK, 0, null)).errno);
            assertEquals(Errno.OK, sim.finish(sim.start(1, volume, BlockOperation.FLUSH, 0, 0, 0, null)).errno);
            SimHarness.Result write =
                    sim.start(1, volume, BlockOperation.WRITE, 500L * BLOCK, BLOCK, 0, ThinPoolTest.bytes(99, BLOCK));
            sim.loops.runUntilIdle();
            assertFalse(write.isDone(), "the only free block is still being read; the write must wait for it");
            data.letGo(sim);
            assertEquals(Errno.OK, read.errno);
            assertArrayEquals(ThinPoolTest.bytes(0, BLOCK), read.data, "the read saw its new owner's data");
            assertEquals(Errno.OK, write.errno);
            assertArrayEquals(ThinPoolTest.bytes(99, BLOCK), sim.read(volume, 500L * BLOCK, BLOCK));
        }
    }

    @Test
    void aSnapshotWaitsForWritesUnderWayAndHoldsLaterOnesBack() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 2, 2)) {
            ThinVolume volume = sim.create("v", VOLUME);
            sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK));
            data.hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 0);
            SimHarness.Result slow = sim.start(0, volume, BlockOperation.WRITE, 0, 512, 0, ThinPoolTest.bytes(2, 512));
            sim.loops.runUntilIdle();
            CompletableFuture<VolumeInfo> snapshot = sim.pool.createSnapshot("v", "s", false);
            sim.loops.runUntilIdle();
            assertFalse(snapshot.isDone(), "MSG-6: a write in place is under way");
            SimHarness.Result later = sim.start(1, volume, BlockOperation.WRITE, 0, 512, 0, ThinPoolTest.bytes(3, 512));
            sim.loops.runUntilIdle();
            assertFalse(later.isDone(), "MSG-6: later writes wait for the snapshot");
            SimHarness.Result read = sim.start(1, volume, BlockOperation.READ, BLOCK, 512, 0, null);
            sim.loops.runUntilIdle();
            assertTrue(read.isDone(), "reads go on");
            data.letGo(sim);
            sim.await(snapshot);
            assertEquals(Errno.OK, slow.errno | later.errno);
            assertArrayEquals(ThinPoolTest.bytes(2, 512), sim.read(sim.pool.openVolume("s"), 0, 512));
            assertArrayEquals(ThinPoolTest.bytes(3, 512), sim.read(volume, 0, 512));
        }
    }

    @Test
    void anUnalignedWriteWaitsForWritesToItsSectorUnderWay() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 3, 2)) {
            ThinVolume volume = sim.create("v", VOLUME);
            sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK));
            data.hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 0);
            SimHarness.Result slow = sim.start(0, volume, BlockOperation.WRITE, 0, 512, 0, ThinPoolTest.bytes(2, 512));
            SimHarness.Result part = sim.start(1, volume, BlockOperation.WRITE, 100, 10, 0, ThinPoolTest.bytes(3, 10));
            sim.loops.runUntilIdle();
            assertFalse(part.isDone());
            data.letGo(sim);
            assertEquals(Errno.OK, slow.errno | part.errno);
            byte[] model = ThinPoolTest.bytes(2, 512);
            System.arraycopy(ThinPoolTest.bytes(3, 10), 0, model, 100, 10);
            assertArrayEquals(model, sim.read(volume, 0, 512), "one of two answered writes was lost (T47)");
        }
    }
}

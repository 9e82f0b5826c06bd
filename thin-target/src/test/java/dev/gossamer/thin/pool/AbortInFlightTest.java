package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.PoolMode;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is under way when a transaction is aborted (rules E-2, E-4), and what a failing data flush does (G-8). */
class AbortInFlightTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 8L << 20;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
    private final FaultPlan metadataFaults = new FaultPlan();
    private final FaultPlan dataFaults = new FaultPlan();
    private final SlowDisk slowData = new SlowDisk(new FaultyDevice(data, dataFaults));
    private SimPool sim;
    private ThinVolume volume;

    /** Writes of the pool's worker. */
    private static boolean isCopy(BlockRequest request) {
        return request.operation() == BlockOperation.WRITE && request.loop().index() == 2;
    }

    @BeforeEach
    void aVolumeWithADurableBlockAndASnapshot() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(new FaultyDevice(metadata, metadataFaults), slowData, 1, 2);
        volume = sim.create("v", VOLUME);
        sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK));
        sim.snapshot("v", "s").close();
        assertEquals(Errno.OK, sim.flush(volume));
    }

    @Test
    void aCopyUnderWayAtAnAbortEndsBeforeThePoolIsClosed() throws StorageException {
        assertEquals(Errno.OK, sim.write(volume, 3L * BLOCK, ThinPoolTest.bytes(3, 512)));
        slowData.hold(AbortInFlightTest::isCopy);
        SimHarness.Result copy = sim.start(0, volume, BlockOperation.WRITE, 512, 512, 0, ThinPoolTest.bytes(2, 512));
        SimHarness.Result behind = sim.start(1, volume, BlockOperation.WRITE, 8192, 512, 0, ThinPoolTest.bytes(4, 512));
        sim.loops.runUntilIdle();
        assertFalse(copy.isDone());
        metadataFaults.fail(BlockOperation.WRITE, 1, Errno.EIO);
        assertEquals(Errno.EIO, sim.flush(volume));
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertEquals(Errno.EIO, sim.write(volume, 5L * BLOCK, ThinPoolTest.bytes(5, 512)), "nothing is allocated");

        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.runUntilIdle();
        assertFalse(closed.isDone(), "E-4: what is being copied must end first");
        slowData.letGo(sim);
        assertTrue(closed.isDone(), "E-4");
        assertEquals(Errno.EIO, copy.errno, "E-2");
        assertEquals(Errno.EIO, behind.errno, "E-2: who waited for the block as well");
        assertEquals(0, sim.inUse(), "requests leaked");
        sim.close();
        SimPool.assertSound(metadata, "after the abort");
        try (SimPool again = SimPool.open(metadata, data, 2, 1)) {
            assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), again.read(again.pool.openVolume("v"), 0, BLOCK));
            assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), again.read(again.pool.openVolume("s"), 0, BLOCK));
        }
    }

    @Test
    void aFailingDataFlushWithoutChangesAbortsNothing() throws StorageException {
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(6, BLOCK)));
        assertEquals(Errno.OK, sim.flush(volume));
        dataFaults.fail(BlockOperation.FLUSH, 1, Errno.EIO);
        assertEquals(Errno.EIO, sim.flush(volume), "the data may not be stable");
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertEquals(Errno.EIO, sim.flush(volume), "T27: the device has told of it once");
        sim.close();
        SimPool.assertSound(metadata, "after the failed flush");
        try (SimPool again = SimPool.open(metadata, data, 2, 1)) {
            assertEquals(PoolMode.WRITE, again.pool.mode(), "there was no transaction to fail");
        }
    }

    @Test
    void aFailingDataFlushAbortsWhatHasChanged() throws StorageException {
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(6, BLOCK)));
        assertEquals(Errno.OK, sim.flush(volume));
        assertEquals(Errno.OK, sim.write(volume, 7L * BLOCK, ThinPoolTest.bytes(7, 512)));
        dataFaults.fail(BlockOperation.FLUSH, 1, Errno.EIO);
        assertEquals(Errno.EIO, sim.flush(volume), "G-8");
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode(), "G-8: the commit has failed");
        sim.close();
        SimPool.assertSound(metadata, "after the failed flush");
        try (SimPool again = SimPool.open(metadata, data, 2, 1)) {
            assertEquals(PoolMode.READ_ONLY, again.pool.mode(), "the flag was written");
            ThinVolume present = again.pool.openVolume("v");
            assertArrayEquals(new byte[BLOCK], again.read(present, 7L * BLOCK, BLOCK), "G-8: nothing was committed");
            assertArrayEquals(ThinPoolTest.bytes(6, BLOCK), again.read(present, 0, BLOCK));
        }
    }
}

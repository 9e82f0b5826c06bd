package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.PoolMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Another size for a volume that is open (NBD T62, T63). */
class LiveResizeTest {
    private static final int BLOCK = SimPool.BLOCK;
    /** Two slots of the extent map's upper level, so that shrinking shortens it. */
    private static final long LARGE = 33L << 30;

    private static final long SMALL = 1 << 20;

    private SimPool sim;
    private ThinVolume volume;

    @BeforeEach
    void openAVolume() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(4 << 20);
        SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2);
        volume = sim.create("v", LARGE);
    }

    @AfterEach
    void nothingIsLeftInUse() {
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse());
        sim.close();
    }

    private static byte[] block(int value) {
        byte[] bytes = new byte[BLOCK];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void anOpenHandleUsesTheNewRangeAtOnce() throws StorageException {
        assertEquals(Errno.EINVAL, sim.write(volume, LARGE, block(1)));
        sim.await(sim.pool.resizeVolume("v", 2 * LARGE, false));
        assertEquals(2 * LARGE, volume.sizeBytes());
        assertEquals(Errno.OK, sim.write(volume, 2 * LARGE - BLOCK, block(1)));
        assertArrayEquals(block(1), sim.read(volume, 2 * LARGE - BLOCK, BLOCK));
    }

    @Test
    void shrinkingAnOpenVolumeNeedsForce() throws StorageException {
        var refused = sim.pool.resizeVolume("v", SMALL, false);
        sim.loops.runUntilIdle();
        StorageException why = assertThrows(StorageException.class, () -> ThinPool.join(refused));
        assertTrue(why.getMessage().contains("--force"), why.getMessage());
        assertEquals(LARGE, volume.sizeBytes());

        sim.await(sim.pool.resizeVolume("v", SMALL, true));
        assertEquals(Errno.EINVAL, sim.write(volume, SMALL, block(1)));
        assertEquals(Errno.OK, sim.write(volume, SMALL - BLOCK, block(1)));
    }

    /** Found by a seed of the simulation: NBD T48, where a sector is larger than the step of sizes. */
    @Test
    void aVolumeThatEndsWithinASectorIsReadToItsEndWhetherItsMapIsLoadedOrNot() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(4 << 20);
        SimulatedDisk data = new SimulatedDisk(64L * BLOCK, 4096);
        SimPool.format(metadata, data);
        int size = 5 * 4096 + 512;
        byte[] bytes = block(3);
        try (SimPool pool = SimPool.open(metadata, data, 1, 2)) {
            ThinVolume its = pool.create("w", BLOCK);
            assertEquals(Errno.OK, pool.write(its, 0, bytes));
            pool.await(pool.pool.resizeVolume("w", size, true));
            assertArrayEquals(Arrays.copyOf(bytes, size), pool.read(its, 0, size));
            assertArrayEquals(Arrays.copyOf(bytes, size), pool.read(its, 0, size));
            assertArrayEquals(Arrays.copyOf(bytes, 100), pool.read(its, size - 100L, 100));
            its.close();
            pool.await(pool.pool.close());
        }
        try (SimPool pool = SimPool.open(metadata, data, 1, 2)) {
            ThinVolume its = pool.pool.openVolume("w");
            assertArrayEquals(Arrays.copyOf(bytes, 100), pool.read(its, size - 100L, 100));
            its.close();
        }
    }

    /** Told of what comes after it was closed. */
    private static final class OnceClosed extends ForwardingDevice {
        private boolean closed;

        OnceClosed(BlockDevice below) {
            super(below);
        }

        @Override
        public void submit(BlockRequest request) {
            assertFalse(closed, () -> request + " at a device that is closed");
            below.submit(request);
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    /** The zeros are on their way: the devices stay open for them, and the size is what was committed. */
    @Test
    void aPoolThatIsClosedWaitsForTheZerosBehindALastBlock() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(4 << 20);
        SimulatedDisk disk = new SimulatedDisk(64L * BLOCK);
        SimPool.format(metadata, disk);
        try (SimPool pool = SimPool.open(metadata, disk, 1, 2)) {
            ThinVolume its = pool.create("w", BLOCK + 4096);
            assertEquals(Errno.OK, pool.write(its, BLOCK, Arrays.copyOf(block(3), 4096)));
            its.close();
            pool.shutDown();
        }
        int zeroed = 0;
        for (int seed = 0; seed < 100; seed++) {
            SlowDisk data = new SlowDisk(new OnceClosed(disk));
            try (SimPool pool = SimPool.open(metadata, data, seed, 2)) {
                data.hold(r -> r.operation() == BlockOperation.WRITE_ZEROES);
                var resized = pool.pool.resizeVolume("w", 2L * BLOCK, false);
                for (int task = 0; task < seed / 4 && pool.loops.runOne(); task++) {
                    // so far it has come
                }
                var closed = pool.pool.close();
                pool.loops.runUntilIdle();
                zeroed += data.heldCount();
                assertEquals(data.heldCount() == 0, closed.isDone(), "closed under a request");
                data.letGo(pool);
                assertTrue(closed.isDone());
                assertEquals(
                        Errno.ESHUTDOWN,
                        assertThrows(StorageException.class, () -> ThinPool.join(resized))
                                .errno());
                assertEquals(0, pool.inUse());
            }
        }
        assertTrue(zeroed > 10, zeroed + " of 100 had begun");
    }

    @Test
    void requestsUnderWayBeyondTheNewEndAreAnsweredAndThePoolGoesOn() throws StorageException {
        sim.write(volume, LARGE - 2L * BLOCK, block(7));
        List<SimHarness.Result> pending = new ArrayList<>();
        // Before the worker gets to it, the loops let requests pass that it will find beyond the end.
        var shrunk = sim.pool.resizeVolume("v", SMALL, true);
        for (int i = 0; i < 8; i++) {
            // Different regions, none of them loaded, and one that is: mapped, unmapped, unaligned, trimmed.
            long offset = LARGE - (1L + i) * (LARGE / 64);
            pending.add(sim.start(i % 2, volume, BlockOperation.WRITE, offset, 5000, 0, new byte[5000]));
            pending.add(sim.start(i % 2, volume, BlockOperation.READ, offset + BLOCK, 100, 0, null));
            pending.add(sim.start(0, volume, BlockOperation.DISCARD, LARGE - 4L * BLOCK, 4L * BLOCK, 0, null));
        }
        sim.loops.runUntilIdle();
        assertEquals(SMALL, ThinPool.join(shrunk).sizeBytes());
        for (SimHarness.Result result : pending) {
            assertTrue(result.isDone());
            assertTrue(result.errno == Errno.OK || result.errno == Errno.EINVAL, Errno.name(result.errno));
        }
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertEquals(Errno.OK, sim.write(volume, 0, block(9)));
        assertEquals(Errno.OK, sim.flush(volume));
    }
}

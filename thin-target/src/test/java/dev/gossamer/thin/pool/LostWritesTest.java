package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A data device that has lost writes says so once. Nobody's FLUSH may succeed after that (T27, G-2, G-3, G-8). */
class LostWritesTest {
    private static final int BLOCK = SimPool.BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
    private final LossyDisk lossy = new LossyDisk();
    private SimPool sim;
    private ThinVolume u;
    private ThinVolume v;

    /** Loses its cache at a flush, and says so to that flush only. */
    private final class LossyDisk extends ForwardingDevice {
        boolean loses;
        int flushes;

        LossyDisk() {
            super(data);
        }

        @Override
        public void submit(BlockRequest request) {
            if (request.operation() == BlockOperation.FLUSH) {
                flushes++;
            }
            if (loses && request.operation() == BlockOperation.FLUSH) {
                loses = false;
                request.loop().execute(() -> {
                    data.crashLosingAll();
                    request.complete(Errno.EIO);
                });
            } else {
                super.submit(request);
            }
        }
    }

    @BeforeEach
    void openTwoVolumes() throws Exception {
        SimPool.format(metadata, lossy);
        sim = SimPool.open(metadata, lossy, 1, 2);
        u = sim.create("u", 8L * BLOCK);
        v = sim.create("v", 8L * BLOCK);
        assertEquals(Errno.OK, sim.write(v, BLOCK, ThinPoolTest.bytes(1, BLOCK)));
        assertEquals(Errno.OK, sim.write(u, BLOCK, ThinPoolTest.bytes(9, BLOCK)));
        assertEquals(Errno.OK, sim.flush(v));
        assertEquals(Errno.OK, sim.flush(u));
    }

    @AfterEach
    void close() {
        sim.close();
    }

    private void reopen() throws Exception {
        sim.close();
        metadata.crashLosingAll();
        data.crashLosingAll();
        sim = SimPool.open(metadata, lossy, 2, 2);
        u = sim.pool.openVolume("u");
        v = sim.pool.openVolume("v");
    }

    @Test
    void aDirectFlushOfOneVolumeThatFailsIsToldToAll() throws Exception {
        assertEquals(Errno.OK, sim.write(v, 0, ThinPoolTest.bytes(2, BLOCK)));
        assertEquals(Errno.OK, sim.write(v, BLOCK, ThinPoolTest.bytes(3, BLOCK)));
        lossy.loses = true;
        assertEquals(Errno.EIO, sim.flush(u));
        assertEquals(Errno.EIO, sim.flush(v));
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        reopen();
        assertArrayEquals(new byte[BLOCK], sim.read(v, 0, BLOCK), "a mapping to lost data was committed");
        assertEquals(Errno.OK, sim.flush(v), "opened again, the device is as good as any");
    }

    @Test
    void withoutChangesThePoolIsReadOnlyAndNeedsNoCheck() throws Exception {
        lossy.loses = true;
        assertEquals(Errno.EIO, sim.flush(u));
        PoolStatus status = sim.status();
        assertTrue(sim.pool.dataHealth().isFailed());
        assertEquals(PoolMode.READ_ONLY, status.mode());
        assertTrue(status.modeCause().contains("FLUSH failed: EIO"), status.modeCause());
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.MODE));
        assertTrue(sim.pool.events().getLast().text().contains("FLUSH failed: EIO"));
        reopen();
        assertEquals(PoolMode.WRITE, sim.pool.mode());
    }

    @Test
    void afterwardsFlushAndFuaFailForEverybodyAndReadsAndWritesGoOn() {
        lossy.loses = true;
        assertEquals(Errno.EIO, sim.flush(u));
        int flushes = lossy.flushes;
        for (ThinVolume volume : new ThinVolume[] {u, v}) {
            assertEquals(Errno.EIO, sim.flush(volume));
            assertEquals(Errno.EIO, sim.write(volume, BLOCK, ThinPoolTest.bytes(4, BLOCK), BlockRequest.FUA));
            assertEquals(Errno.OK, sim.write(volume, BLOCK, ThinPoolTest.bytes(5, BLOCK)));
            assertArrayEquals(ThinPoolTest.bytes(5, BLOCK), sim.read(volume, BLOCK, BLOCK));
            assertEquals(Errno.EIO, sim.write(volume, 0, ThinPoolTest.bytes(6, BLOCK)), "a new block");
        }
        assertEquals(flushes, lossy.flushes, "a device that has failed is not asked again");
    }

    @Test
    void aCommitWhoseDataFlushFailsNamesNothingAndNoLaterFlushSucceeds() throws Exception {
        assertEquals(Errno.OK, sim.write(v, 0, ThinPoolTest.bytes(2, BLOCK)));
        lossy.loses = true;
        assertEquals(Errno.EIO, sim.flush(v));
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertEquals(Errno.EIO, sim.flush(u), "a volume without changes of its own");
        reopen();
        assertArrayEquals(new byte[BLOCK], sim.read(v, 0, BLOCK));
    }

    @Test
    void aFlushThatSucceedsWhileAnotherFailsPromisesNothing() {
        lossy.loses = true;
        SimHarness.Result first = sim.start(0, u, BlockOperation.FLUSH, 0, 0, 0, null);
        SimHarness.Result second = sim.start(1, v, BlockOperation.FLUSH, 0, 0, 0, null);
        sim.loops.runUntilIdle();
        assertEquals(Errno.EIO, first.errno);
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        // It may have been answered before the failure was known, with what it knew then; its next one is not.
        assertTrue(second.isDone());
        assertEquals(Errno.EIO, sim.flush(v));
    }

    @Test
    void closingSaysSo() {
        lossy.loses = true;
        assertEquals(Errno.OK, sim.write(v, 0, ThinPoolTest.bytes(2, BLOCK)));
        u.close();
        v.close();
        var closed = sim.pool.close();
        sim.loops.advance(5_000_000_000L);
        assertTrue(closed.isCompletedExceptionally());
    }
}

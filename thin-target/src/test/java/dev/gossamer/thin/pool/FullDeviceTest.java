package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.RefusingLoop;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.PoolStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The pool has free blocks, and what is below its data device has no room for them: a sparse file on a full file
 * system, a remote that answers ENOSPC. It is out of data space like any other (rules S-1, S-2, S-5, M-2, M-3).
 */
class FullDeviceTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long SECOND = 1_000_000_000L;
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private FullDisk data = new FullDisk(new SimulatedDisk(200L * BLOCK));
    private SimPool sim;
    private ThinVolume volume;

    /** Has room for what was there before it got full, and for nothing else. */
    private static final class FullDisk extends ForwardingDevice {
        private final boolean[] allocated = new boolean[200];
        boolean full;
        int refused;
        int writes;
        boolean holding;
        final List<BlockRequest> held = new ArrayList<>();

        FullDisk(SimulatedDisk below) {
            super(below);
        }

        @Override
        public void submit(BlockRequest request) {
            int block = (int) (request.offsetBytes() / BLOCK);
            if (request.operation() == BlockOperation.WRITE) {
                writes++;
                if (holding) {
                    held.add(request);
                    return;
                }
                if (full && !allocated[block]) {
                    refused++;
                    request.complete(Errno.ENOSPC);
                    return;
                }
                allocated[block] = true;
            }
            below.submit(request);
        }
    }

    private void open(OnFull onFull) throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2, PoolOptions.DEFAULT.withOnFull(onFull, TIMEOUT));
        volume = sim.create("v", 64L << 20);
        for (int i = 0; i < 4; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
        }
        assertEquals(Errno.OK, sim.flush(volume));
        data.full = true;
    }

    @AfterEach
    void nothingIsLeftInUseAndTheMetadataIsSound() throws StorageException {
        if (volume == null) {
            return;
        }
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        volume.close();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private List<SimHarness.Result> writes(int from, int count) {
        List<SimHarness.Result> results = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            long offset = (long) i * BLOCK;
            results.add(sim.start(i & 1, volume, BlockOperation.WRITE, offset, 512, 0, ThinPoolTest.bytes(i, 512)));
        }
        sim.loops.runUntilIdle();
        return results;
    }

    @Test
    void writesWaitAndGoOnByThemselvesWhenThereIsRoom() throws StorageException {
        open(OnFull.QUEUE);
        long free = sim.status().space().dataBlocksFree();
        List<SimHarness.Result> waiting = writes(10, 40);
        assertTrue(waiting.stream().noneMatch(SimHarness.Result::isDone), "S-2");
        PoolStatus status = sim.status();
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, status.mode(), "M-2");
        assertTrue(status.modeCause().contains("under the data device is full"), status.modeCause());
        assertEquals(40, status.space().waitingRequests());
        assertEquals(free, status.space().dataBlocksFree(), "Z-2: the blocks have been given back");
        assertFalse(status.needsCheck(), "S-2");

        assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(volume, 2L * BLOCK, BLOCK), "S-5");
        assertEquals(Errno.OK, sim.write(volume, 2L * BLOCK, ThinPoolTest.bytes(77, 512)), "S-5: in place");
        assertEquals(Errno.OK, sim.flush(volume), "S-5");

        int refused = data.refused;
        for (int i = 0; i < 5; i++) {
            sim.loops.advance(SECOND);
        }
        assertTrue(data.refused - refused <= 6, "one tries each second, not all: " + (data.refused - refused));
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.MODE), "M-6: one event, however often it was tried");

        data.full = false;
        sim.loops.advance(2 * SECOND);
        for (SimHarness.Result write : waiting) {
            assertEquals(Errno.OK, write.errno, "M-3");
        }
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertEquals("", sim.status().modeCause());
        for (int i = 10; i < 50; i++) {
            assertArrayEquals(ThinPoolTest.bytes(i, 512), sim.read(volume, (long) i * BLOCK, 512));
        }
    }

    @Test
    void thePolicyErrorAnswersAtOnceAndTheNextWriteThatFitsEndsIt() throws StorageException {
        open(OnFull.ERROR);
        for (SimHarness.Result write : writes(10, 20)) {
            assertEquals(Errno.ENOSPC, write.errno, "S-2");
        }
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
        data.full = false;
        sim.loops.advance(SECOND);
        assertEquals(Errno.OK, sim.write(volume, 10L * BLOCK, ThinPoolTest.bytes(10, 512)));
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "M-3");
        assertFalse(sim.status().needsCheck());
    }

    @Test
    void thePolicyErrorEndsByItselfWhenThereIsRoom() throws StorageException {
        open(OnFull.ERROR);
        long free = sim.status().space().dataBlocksFree();
        writes(10, 20);
        int refused = data.refused;
        for (int i = 0; i < 5; i++) {
            sim.loops.advance(SECOND);
            assertEquals(free, sim.status().space().dataBlocksFree(), "a block that is tried is given back");
        }
        int tries = data.refused - refused;
        assertTrue(tries >= 4 && tries <= 6, "the pool tries each second: " + tries);
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.MODE), "M-6");
        data.full = false;
        sim.loops.advance(2 * SECOND);
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "M-3, though nobody writes");
        int writes = data.writes;
        sim.loops.advance(5 * SECOND);
        assertEquals(writes, data.writes, "nothing is tried any more");
        assertEquals(free, sim.status().space().dataBlocksFree());
        assertArrayEquals(new byte[512], sim.read(volume, 10L * BLOCK, 512));
    }

    /** No timer can be had for the next try: a bug or want of memory, and whose write it met is told. */
    @Test
    void aWriteIsAnsweredThoughNoTimerCanBeHad() throws StorageException {
        RefusingLoop[] worker = new RefusingLoop[1];
        SimPool.format(metadata, data);
        PoolOptions options = PoolOptions.DEFAULT.withOnFull(OnFull.QUEUE, Duration.ZERO);
        try (SimPool refusing = SimPool.open(
                metadata, data, 1, 2, options, SimPool.NO_ORIGINS, loop -> worker[0] = new RefusingLoop(loop))) {
            ThinVolume v = refusing.create("v", 64L << 20);
            assertEquals(Errno.OK, refusing.write(v, 0, ThinPoolTest.bytes(1, BLOCK)));
            assertEquals(Errno.OK, refusing.flush(v));
            data.full = true;
            worker[0].refuseTimers(1);
            SimHarness.Result write =
                    refusing.start(0, v, BlockOperation.WRITE, 5 * BLOCK, 512, 0, ThinPoolTest.bytes(1, 512));
            for (int i = 0; i < 5; i++) {
                refusing.loops.advance(SECOND);
            }
            assertTrue(write.isDone(), "it waits for ever");
            assertTrue(write.errno != Errno.OK, "errno " + write.errno);
            assertEquals(0, refusing.inUse(), "requests or buffers leaked");
        }
    }

    @Test
    void closingWaitsForATryThatIsUnderWay() throws StorageException {
        open(OnFull.ERROR);
        writes(10, 1);
        data.holding = true;
        sim.loops.advance(2 * SECOND);
        assertEquals(1, data.held.size(), "one at a time");
        volume.close();
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.advance(SECOND);
        assertFalse(closed.isDone(), "the device has memory of the pool's");
        sim.loops.enter(2, () -> data.held.forEach(write -> write.complete(Errno.ENOSPC)));
        sim.loops.runUntilIdle();
        assertTrue(closed.isDone());
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        sim.close();
        volume = null;
    }

    /**
     * Blocks that are mapped, and that the file has no space for: another program has punched holes. Also if the worker
     * has to read, change and write back: sectors larger than the writes.
     */
    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void writesInPlaceIntoHolesWaitAndGoOnByThemselves(int sectorBytes) throws StorageException {
        data = new FullDisk(new SimulatedDisk(200L * BLOCK, sectorBytes));
        open(OnFull.QUEUE);
        Arrays.fill(data.allocated, false);
        List<SimHarness.Result> waiting = writes(0, 4);
        waiting.add(sim.start(0, volume, BlockOperation.WRITE, 5 * BLOCK, 512, 0, ThinPoolTest.bytes(5, 512)));
        sim.loops.runUntilIdle();
        assertTrue(waiting.stream().noneMatch(SimHarness.Result::isDone), "S-2");
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.status().mode(), "M-2");
        assertEquals(5, sim.status().space().waitingRequests());
        assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(volume, 2L * BLOCK, BLOCK), "S-5");
        int refused = data.refused;
        for (int i = 0; i < 5; i++) {
            sim.loops.advance(SECOND);
        }
        assertTrue(data.refused - refused <= 6, "one tries each second, not all: " + (data.refused - refused));
        data.full = false;
        sim.loops.advance(2 * SECOND);
        for (SimHarness.Result write : waiting) {
            assertEquals(Errno.OK, write.errno, "M-3");
        }
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertArrayEquals(ThinPoolTest.bytes(3, 512), sim.read(volume, 3L * BLOCK, 512));
    }

    /** Also if the worker has to read, change and write back: sectors larger than the writes. */
    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void writesInPlaceIntoHolesFailWherePolicyOrTimeSaySo(int sectorBytes) throws StorageException {
        data = new FullDisk(new SimulatedDisk(200L * BLOCK, sectorBytes));
        open(OnFull.ERROR);
        Arrays.fill(data.allocated, false);
        assertEquals(Errno.ENOSPC, sim.write(volume, BLOCK, ThinPoolTest.bytes(1, 512)));
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
        data.full = false;
        assertEquals(Errno.OK, sim.write(volume, BLOCK, ThinPoolTest.bytes(1, 512)));
        sim.loops.advance(SECOND);
        assertEquals(Errno.OK, sim.write(volume, 20L * BLOCK, ThinPoolTest.bytes(1, 512)));
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "M-3");
    }

    /** A sparse metadata file on a file system that is full: nothing is lost, and there is a way out. */
    @Test
    void metadataWithoutAllOfTheirSpaceAreNotChanged() throws StorageException {
        SimPool.format(metadata, data);
        SimPool.DiskGrowth growth = new SimPool.DiskGrowth(metadata, new SimulatedDisk(200L * BLOCK));
        sim = SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS.withGrowth(growth, 0));
        volume = sim.create("v", 64L << 20);
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK)));
        assertEquals(Errno.OK, sim.flush(volume));
        sim.pool.metadataHasNoRoom("no room; make some");
        sim.loops.runUntilIdle();
        assertEquals("no room; make some", sim.status().modeCause());
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(2, BLOCK)), "in place");
        assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(volume, 0, BLOCK));
        assertEquals(Errno.ENOSPC, sim.write(volume, 9L * BLOCK, ThinPoolTest.bytes(1, 512)));
        assertEquals(Errno.OK, sim.flush(volume));
        sim.await(sim.pool.grow(-1, metadata.geometry().sizeBytes()));
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "the growth took the space that was missing");
        assertEquals(Errno.OK, sim.write(volume, 9L * BLOCK, ThinPoolTest.bytes(1, 512)));
        assertFalse(sim.status().needsCheck());
    }

    @Test
    void whoWaitsTooLongGetsEnospc() throws StorageException {
        open(OnFull.QUEUE);
        List<SimHarness.Result> waiting = writes(10, 3);
        sim.loops.advance(TIMEOUT.toNanos() + SECOND);
        for (SimHarness.Result write : waiting) {
            assertEquals(Errno.ENOSPC, write.errno, "S-2");
        }
        assertEquals(OnFull.ERROR, sim.status().space().onFullEffective(), "M-7");
        data.full = false;
        sim.loops.advance(SECOND);
        assertEquals(Errno.OK, sim.write(volume, 10L * BLOCK, ThinPoolTest.bytes(10, 512)));
        assertEquals(OnFull.QUEUE, sim.status().space().onFullEffective(), "M-7");
    }

    /** The catalog needs a data block of its own for the first volume of a pool. */
    @Test
    void aMessageThatFindsNoRoomForTheCatalogIsRefusedAndNothingIsLost() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS);
        data.full = true;
        StorageException refused = assertThrows(StorageException.class, () -> sim.create("v", 64L << 20));
        assertEquals(Errno.ENOSPC, refused.errno(), refused.getMessage());
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "nothing was aborted");
        assertFalse(sim.status().needsCheck());
        data.full = false;
        volume = sim.create("v", 64L << 20);
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(1, 512)));
        assertEquals(Errno.OK, sim.flush(volume));
    }
}

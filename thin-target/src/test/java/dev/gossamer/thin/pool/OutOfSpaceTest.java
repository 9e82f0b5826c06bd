package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.commit.Committer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A pool whose data space runs out, and comes back (rules S-1, S-2, S-5, M-2, M-3, M-6, M-7, W-1, MSG-4, N-5). */
class OutOfSpaceTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L << 20;
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk(24L * BLOCK);
    private final PoolGrowth growth = new SimPool.DiskGrowth(metadata, data);
    private SimPool sim;
    private ThinVolume volume;
    private int written;

    private void open(OnFull onFull) throws StorageException {
        SimPool.format(metadata, data);
        PoolOptions options = PoolOptions.DEFAULT.withOnFull(onFull, TIMEOUT).withGrowth(growth, 0);
        sim = SimPool.open(metadata, data, 1, 2, options);
        volume = sim.create("v", VOLUME);
    }

    private void openAndFill(OnFull onFull) throws StorageException {
        open(onFull);
        written = (int) sim.status().space().dataBlocksFree();
        for (int i = 0; i < written; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, 512)));
        }
        assertEquals(Errno.OK, sim.flush(volume));
    }

    @AfterEach
    void nothingIsLeftInUseAndTheMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        sim.close();
        SimPool.assertSound(metadata, "after the test");
    }

    private SimHarness.Result writeBeyond(ThinVolume to, int index) {
        long offset = (long) (written + index) * BLOCK;
        SimHarness.Result result =
                sim.start(index & 1, to, BlockOperation.WRITE, offset, 512, 0, ThinPoolTest.bytes(100 + index, 512));
        sim.loops.runUntilIdle();
        return result;
    }

    @Test
    void aWriteWaitsForSpaceAndGoesOnWhenATrimBringsSome() throws StorageException {
        openAndFill(OnFull.QUEUE);
        SimHarness.Result waiting = writeBeyond(volume, 0);
        assertFalse(waiting.isDone(), "S-2");
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode(), "M-2");
        assertEquals(1, sim.status().space().waitingRequests());
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.MODE), "M-6");

        assertEquals(Errno.OK, sim.trim(volume, 0, BLOCK));
        sim.loops.advance(Committer.PERIOD_NANOS);
        assertEquals(Errno.OK, waiting.errno, "M-3: the commit finds free blocks");
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertEquals("", sim.status().modeCause());
        assertEquals(2, sim.pool.eventCount(PoolEvent.Kind.MODE), "M-6");
        assertArrayEquals(ThinPoolTest.bytes(100, 512), sim.read(volume, (long) written * BLOCK, 512));
    }

    @Test
    void afterTheTimeoutWhoWaitsGetsEnospcAndWhoComesLaterToo() throws StorageException {
        openAndFill(OnFull.QUEUE);
        SimHarness.Result waiting = writeBeyond(volume, 0);
        sim.loops.advance(TIMEOUT.toNanos() - 1);
        assertFalse(waiting.isDone());
        assertEquals(TIMEOUT.toNanos() - 1, sim.status().space().waitedNanos(), "ST-3");
        sim.loops.advance(1);
        assertEquals(Errno.ENOSPC, waiting.errno, "S-2");
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode(), "S-2: the pool stays out of data space");
        assertFalse(sim.status().needsCheck(), "S-2: running out of space is no damage");
        assertEquals(OnFull.ERROR, sim.status().space().onFullEffective(), "M-7");
        assertEquals(OnFull.QUEUE, sim.status().space().onFull());
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.NO_SPACE_TIMEOUT));
        assertEquals(Errno.ENOSPC, writeBeyond(volume, 1).errno, "M-7");

        sim.await(sim.pool.grow(30L * BLOCK, -1));
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "M-3");
        assertEquals(OnFull.QUEUE, sim.status().space().onFullEffective(), "M-7: restored by the return to WRITE");
        assertEquals(Errno.OK, writeBeyond(volume, 1).errno);
    }

    /** Who waited before the metadata ran out as well is not forgotten with that. */
    @Test
    void theTimeoutEndsTheWaitingWhateverElseHasRunOutMeanwhile() throws StorageException {
        openAndFill(OnFull.QUEUE);
        SimHarness.Result waiting = writeBeyond(volume, 0);
        sim.loops.advance(TIMEOUT.toNanos() / 2);
        sim.pool.metadataHasNoRoom("no room below the metadata");
        sim.loops.advance(TIMEOUT.toNanos() / 2 - 1);
        assertFalse(waiting.isDone());
        assertEquals(PoolMode.OUT_OF_METADATA_SPACE, sim.pool.mode());
        sim.loops.advance(1);
        assertEquals(Errno.ENOSPC, waiting.errno, "S-2");
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.NO_SPACE_TIMEOUT));
        assertEquals(0, sim.status().space().waitingRequests());
    }

    /** The time-out of one episode must not end the waiting of a later one. */
    @Test
    void eachTimeThePoolRunsOutHasATimeoutOfItsOwn() throws StorageException {
        openAndFill(OnFull.QUEUE);
        SimHarness.Result first = writeBeyond(volume, 0);
        sim.loops.advance(TIMEOUT.toNanos() - 2_000_000_000L);
        sim.await(sim.pool.grow(25L * BLOCK, -1));
        assertEquals(Errno.OK, first.errno);
        SimHarness.Result second = writeBeyond(volume, 1);
        sim.loops.advance(5_000_000_000L);
        assertFalse(second.isDone(), "S-2: counted from when the pool ran out again");
        sim.loops.advance(TIMEOUT.toNanos());
        assertEquals(Errno.ENOSPC, second.errno);
    }

    @Test
    void thePolicyErrorAnswersAtOnceAndAVolumeMayHaveItsOwn() throws StorageException {
        openAndFill(OnFull.ERROR);
        assertEquals(Errno.ENOSPC, writeBeyond(volume, 0).errno, "S-2: at once, and ENOSPC, not EIO");
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());

        sim.await(sim.pool.limitVolume("v", new VolumeLimits(0, 0, OnFull.QUEUE)));
        SimHarness.Result waiting = writeBeyond(volume, 0);
        assertFalse(waiting.isDone(), "S-2: policy of the volume");
        sim.await(sim.pool.limitVolume("v", VolumeLimits.NONE));
        assertEquals(Errno.ENOSPC, writeBeyond(volume, 1).errno);
        sim.await(sim.pool.grow(26L * BLOCK, -1));
        assertEquals(Errno.OK, waiting.errno);
    }

    @Test
    void mappedBlocksAreServedWhileOthersWait() throws StorageException {
        openAndFill(OnFull.QUEUE);
        List<SimHarness.Result> waiting = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            waiting.add(writeBeyond(volume, i));
        }
        for (int i = 0; i < written; i++) {
            byte[] bytes = ThinPoolTest.bytes(50 + i, 512);
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, bytes), "S-5");
            assertArrayEquals(bytes, sim.read(volume, (long) i * BLOCK, 512), "S-5");
        }
        assertArrayEquals(new byte[512], sim.read(volume, (long) written * BLOCK, 512), "unmapped reads as zeros");
        assertEquals(
                Errno.OK, sim.flush(volume), "table 1.4: a flush covers what was answered, and waits for no space");
        assertNotNull(sim.create("new", VOLUME), "MSG-4: create works without a free data block");
        assertTrue(waiting.stream().noneMatch(SimHarness.Result::isDone));

        // RS-2: two more blocks serve the first two who wait; six serve all.
        sim.await(sim.pool.grow(26L * BLOCK, -1));
        assertEquals(2, waiting.stream().filter(SimHarness.Result::isDone).count());
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
        sim.await(sim.pool.grow(30L * BLOCK, -1));
        for (int i = 0; i < waiting.size(); i++) {
            assertEquals(Errno.OK, waiting.get(i).errno, "RS-2");
            assertArrayEquals(ThinPoolTest.bytes(100 + i, 512), sim.read(volume, (long) (written + i) * BLOCK, 512));
        }
    }

    @Test
    void aConnectionThatEndsTakesItsWaitingRequestsWithIt() throws StorageException {
        openAndFill(OnFull.QUEUE);
        ThinVolume otherConnection = sim.pool.openVolume("v");
        SimHarness.Result gone = writeBeyond(volume, 0);
        SimHarness.Result stays = writeBeyond(otherConnection, 1);
        volume.abandon();
        sim.loops.runUntilIdle();
        assertTrue(gone.isDone(), "N-5");
        assertFalse(stays.isDone());
        assertEquals(1, sim.status().space().waitingRequests());
        assertTrue(writeBeyond(volume, 2).isDone(), "N-5: also one that comes to wait later");
        sim.await(sim.pool.grow(30L * BLOCK, -1));
        assertEquals(Errno.OK, stays.errno);
        assertArrayEquals(
                new byte[512], sim.read(otherConnection, (long) written * BLOCK, 512), "N-5: no effect on the mapping");
    }

    @Test
    void closingThePoolEndsTheWaiting() throws StorageException {
        openAndFill(OnFull.QUEUE);
        SimHarness.Result waiting = writeBeyond(volume, 0);
        sim.pool.stopWaitingForSpace();
        sim.loops.runUntilIdle();
        assertEquals(Errno.ENOSPC, waiting.errno);
        assertEquals(Errno.ENOSPC, writeBeyond(volume, 1).errno);
        sim.await(sim.pool.close());
    }

    /** T38, A53: who has preallocated never sees an error, whatever others do to the pool. */
    @Test
    void aPreallocatedWriterSeesNoErrorWhileOthersFillThePoolToTheLastBlock() throws StorageException {
        open(OnFull.ERROR);
        ThinVolume safe = sim.create("safe", VOLUME);
        assertEquals(
                Errno.OK, sim.zero(safe, 0, 6L * BLOCK, dev.gossamer.io.BlockRequest.NO_UNMAP), "preallocates (T31)");
        int failed = 0;
        for (int round = 0; round < 40; round++) {
            failed += sim.write(volume, (long) round * BLOCK, ThinPoolTest.bytes(round, 512)) == Errno.ENOSPC ? 1 : 0;
            byte[] bytes = ThinPoolTest.bytes(200 + round, 4096);
            long offset = (long) (round % 6) * BLOCK + 4096;
            assertEquals(Errno.OK, sim.write(safe, offset, bytes), "round " + round);
            assertEquals(Errno.OK, sim.flush(safe));
            assertArrayEquals(bytes, sim.read(safe, offset, 4096));
        }
        assertTrue(failed > 10, "the pool was not full");
        assertEquals(0, sim.status().space().dataBlocksFree(), "to the last block");
        assertEquals(Errno.OK, sim.trim(volume, 0, BLOCK));
        assertEquals(Errno.OK, sim.write(volume, 63L * BLOCK, ThinPoolTest.bytes(1, 512)), "A53: after freeing, on");
    }

    @Test
    void lowWaterIsToldOnceAndAgainAtHalfOfItAndIsArmedAnewByFreeSpace() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(
                metadata, data, 1, 1, SimPool.OPTIONS.withLowWaterPercent(50).withGrowth(growth, 0));
        volume = sim.create("v", VOLUME);
        List<Long> freeAtEvent = new ArrayList<>();
        long before = 0;
        for (int i = 0; sim.status().space().dataBlocksFree() > 0; i++) {
            sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, 512));
            if (sim.pool.eventCount(PoolEvent.Kind.DATA_LOW) > before) {
                before++;
                freeAtEvent.add(sim.status().space().dataBlocksFree());
            }
        }
        assertEquals(List.of(12L, 6L, 3L, 1L, 0L), freeAtEvent, "W-1: at the mark of 50 % of 24, then denser");
        assertTrue(sim.status().space().dataLow());
        sim.await(sim.pool.grow(64L * BLOCK, -1));
        assertFalse(sim.status().space().dataLow(), "RS-4: the mark is that of the new size");
        for (int i = 0; sim.status().space().dataBlocksFree() > 32; i++) {
            sim.write(volume, (long) (100 + i) * BLOCK, ThinPoolTest.bytes(i, 512));
        }
        assertEquals(6, sim.pool.eventCount(PoolEvent.Kind.DATA_LOW), "W-1: armed anew");
    }
}

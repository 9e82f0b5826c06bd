package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.pdata.block.ReadAhead;
import dev.gossamer.thin.PoolCaches;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.map.RegionLoads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Cold look-ups: what is read together, who waits for what, and what may happen meanwhile. */
class RegionLoadsTest {
    private static final int BLOCK = SimPool.BLOCK;

    private ColdPool cold;
    private SimPool sim;
    private ThinVolume volume;

    @BeforeEach
    void aPoolJustOpened() throws StorageException {
        cold = new ColdPool().open(1, 1, PoolCaches.DEFAULT);
        sim = cold.sim;
        volume = sim.pool.openVolume("v");
    }

    /** Brings what is above the leaves into the cache, and holds from now on what is read ahead. */
    private void warmInnerNodes() {
        readNow(ColdPool.offset(0, 5));
        cold.late.hold();
    }

    private void readNow(long offset) {
        assertRead(cold.startRead(volume, offset), offset);
    }

    private static void assertRead(SimHarness.Result read, long offset) {
        assertEquals(Errno.OK, read.errno);
        assertArrayEquals(ColdPool.contentsAt(offset), read.data);
    }

    private void shutDown() throws StorageException {
        volume.close();
        sim.shutDown();
        SimPool.assertSound(cold.metadata, "at the end");
    }

    @Test
    void aColdRegionCostsOneRoundTripHoweverManyLeavesItHas() throws StorageException {
        warmInnerNodes();
        long others = cold.late.others();
        long seen = cold.late.seen();
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(7, 200));
        int leaves = cold.late.held();
        assertTrue(leaves >= 3, leaves + " leaves under way at once");
        assertFalse(read.isDone());
        cold.answerHeld();
        assertRead(read, ColdPool.offset(7, 200));
        assertEquals(leaves, cold.late.seen() - seen, "there was a second round");
        assertEquals(others, cold.late.others(), "the worker waited for a read");
        shutDown();
    }

    @Test
    void aColdTreeIsReadLevelByLevelAndTheWorkerWaitsForNothing() throws StorageException {
        cold.late.hold();
        long others = cold.late.others();
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(7, 200));
        List<Integer> rounds = new ArrayList<>();
        while (!read.isDone()) {
            rounds.add(cold.late.held());
            assertTrue(rounds.size() <= 4, () -> rounds + " nodes in each round");
            cold.answerHeld();
        }
        assertRead(read, ColdPool.offset(7, 200));
        assertTrue(rounds.getLast() >= 3, () -> rounds + " nodes in each round");
        assertEquals(others, cold.late.others(), "the worker waited for a read");
        shutDown();
    }

    @Test
    void requestsToARegionWaitTogetherOthersAreServedAndSeveralRegionsLoadAtOnce() throws StorageException {
        warmInnerNodes();
        List<SimHarness.Result> same = new ArrayList<>();
        same.add(cold.startRead(volume, ColdPool.offset(3, 0)));
        int leaves = cold.late.held();
        for (int block = 1; block < 20; block++) {
            same.add(cold.startRead(volume, ColdPool.offset(3, block)));
        }
        assertEquals(leaves, cold.late.held());
        SimHarness.Result other = cold.startRead(volume, ColdPool.offset(12, 100));
        assertTrue(cold.late.held() >= leaves + 3, "the other region waits for the first one");
        assertEquals(Errno.OK, sim.write(volume, ColdPool.offset(0, 9), ThinPoolTest.bytes(1, 512)));
        assertEquals(Errno.OK, sim.trim(volume, ColdPool.offset(0, 10), BLOCK), "work for the worker");
        for (SimHarness.Result each : same) {
            assertFalse(each.isDone());
        }
        // The other one's come first, then in any order.
        while (!other.isDone()) {
            cold.answer(cold.late.held() - 1);
        }
        cold.answerAll();
        for (int block = 0; block < 20; block++) {
            assertRead(same.get(block), ColdPool.offset(3, block));
        }
        assertRead(other, ColdPool.offset(12, 100));
        shutDown();
    }

    @Test
    void whoGoesUpwardsWaitsOnceForSeveralRegionsAndOthersCauseNoReadsAhead() throws StorageException {
        warmInnerNodes();
        cold.late.answerAtOnce();
        for (int region = 37; region > 7; region -= 10) {
            long before = cold.late.seen();
            readNow(ColdPool.offset(region, 0));
            long reads = cold.late.seen() - before;
            assertTrue(reads <= 5, reads + " reads for one region: more than it has leaves");
        }
        readNow(ColdPool.offset(1, 0));
        long seen = cold.late.seen();
        long deferred = sim.pool.counters().deferredRequests.sum();
        for (int region = 2; region <= 1 + RegionLoads.REGIONS_AHEAD; region++) {
            readNow(ColdPool.offset(region, 0));
        }
        assertEquals(deferred, sim.pool.counters().deferredRequests.sum(), "the map knows what was read ahead");
        readNow(ColdPool.offset(2 + RegionLoads.REGIONS_AHEAD, 0));
        assertEquals(deferred + 1, sim.pool.counters().deferredRequests.sum(), "and no more than that");
        assertTrue(cold.late.seen() > seen);
        shutDown();
    }

    @Test
    void nobodyGoesPastTheEndOfTheVolume() throws StorageException {
        warmInnerNodes();
        cold.late.answerAtOnce();
        readNow(ColdPool.offset(ColdPool.REGIONS - 2, 0));
        readNow(ColdPool.offset(ColdPool.REGIONS - 1, 511));
        shutDown();
    }

    @Test
    void noMoreReadsAreUnderWayThanTheBoundAndAllRegionsGetTheirTurn() throws StorageException {
        warmInnerNodes();
        List<SimHarness.Result> reads = new ArrayList<>();
        for (int region = ColdPool.REGIONS - 1; region > 0; region--) {
            reads.add(cold.startRead(volume, ColdPool.offset(region, 3)));
        }
        List<Integer> prefetched = cold.prefetch(volume, 0, ColdPool.VOLUME);
        assertEquals(ReadAhead.MAX_IN_FLIGHT, cold.late.held());
        cold.answerAll();
        assertEquals(ReadAhead.MAX_IN_FLIGHT, cold.late.mostUnderWay());
        for (int i = 0; i < reads.size(); i++) {
            assertRead(reads.get(i), ColdPool.offset(ColdPool.REGIONS - 1 - i, 3));
        }
        assertEquals(List.of(Errno.OK), prefetched);
        shutDown();
    }

    @Test
    void prefetchReadsSeveralRegionsAtOnceAndNotAll() throws StorageException {
        warmInnerNodes();
        long others = cold.late.others();
        List<Integer> answers = cold.prefetch(volume, 0, ColdPool.VOLUME);
        assertTrue(cold.late.held() >= 10, cold.late.held() + " reads under way");
        assertTrue(cold.late.held() <= 30, cold.late.held() + " reads under way: others find the line full");
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(15, 0));
        cold.answerAll();
        assertEquals(List.of(Errno.OK), answers);
        assertRead(read, ColdPool.offset(15, 0));
        assertEquals(others, cold.late.others());
        long deferred = sim.pool.counters().deferredRequests.sum();
        for (int region = 0; region < ColdPool.REGIONS; region++) {
            readNow(ColdPool.offset(region, 77));
        }
        assertEquals(deferred, sim.pool.counters().deferredRequests.sum());
        shutDown();
    }

    @Test
    void aDamagedLeafFailsThoseWhoNeedItAndNotThePool() throws StorageException {
        warmInnerNodes();
        damageALeafOf(7);
        SimHarness.Result needsIt = cold.startRead(volume, ColdPool.offset(7, 0));
        SimHarness.Result needsItToo = cold.startRead(volume, ColdPool.offset(7, 500));
        SimHarness.Result other = cold.startRead(volume, ColdPool.offset(12, 0));
        cold.answerAll();
        assertEquals(Errno.EIO, needsIt.errno);
        assertEquals(Errno.EIO, needsItToo.errno);
        assertRead(other, ColdPool.offset(12, 0));
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.DAMAGED));
        assertTrue(sim.pool.volumes().getFirst().damage().contains("checksum"));
        sim.shutDown();
    }

    @Test
    void aDamagedLeafFailsAPrefetchAndNothingElseAndReadingAheadPassesIt() throws StorageException {
        warmInnerNodes();
        damageALeafOf(7);
        cold.late.answerAtOnce();
        long others = cold.late.others();
        readNow(ColdPool.offset(4, 0));
        readNow(ColdPool.offset(5, 0));
        assertEquals(others, cold.late.others(), "the worker waited for what nobody needs");
        readNow(ColdPool.offset(8, 0));
        assertEquals(List.of(Errno.EIO), cold.prefetch(volume, ColdPool.offset(6, 0), 2L * 512 * BLOCK));
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        sim.close();
    }

    private void damageALeafOf(int region) {
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(region, 0));
        long leaf = cold.late.heldOffsetBytes(1);
        cold.answerAll();
        assertRead(read, ColdPool.offset(region, 0));
        volume.close();
        byte[] damaged = cold.metadata.readNow(leaf, 4096);
        damaged[3000] ^= 1;
        cold.metadata.writeNow(leaf, damaged);
        sim.close();
        try {
            cold.open(2, 1, PoolCaches.DEFAULT);
        } catch (StorageException e) {
            throw new AssertionError(e);
        }
        sim = cold.sim;
        volume = sim.pool.openVolume("v");
        warmInnerNodes();
    }

    @Test
    void aReadAheadThatFailsOnceIsReadAgain() throws StorageException {
        warmInnerNodes();
        cold.faults.fail(BlockOperation.READ, 2, Errno.EIO);
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(7, 0));
        cold.answerAll();
        assertRead(read, ColdPool.offset(7, 0));
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        shutDown();
    }

    @Test
    void anAbortForgetsNobody() throws StorageException {
        warmInnerNodes();
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(7, 0));
        SimHarness.Result write =
                sim.start(0, volume, BlockOperation.WRITE, ColdPool.offset(7, 1), 512, 0, ThinPoolTest.bytes(1, 512));
        List<Integer> prefetched = cold.prefetch(volume, ColdPool.offset(9, 0), BLOCK);
        assertEquals(Errno.OK, sim.trim(volume, ColdPool.offset(0, 10), BLOCK));
        cold.faults.fail(BlockOperation.WRITE, 1, Errno.EIO);
        assertEquals(Errno.EIO, sim.flush(volume));
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertFalse(read.isDone() || write.isDone() || !prefetched.isEmpty());
        cold.answerAll();
        assertRead(read, ColdPool.offset(7, 0));
        assertEquals(Errno.OK, write.errno, "mapped blocks can be written");
        assertEquals(List.of(Errno.OK), prefetched);
        cold.late.answerAtOnce();
        assertRead(cold.startRead(volume, ColdPool.offset(0, 10)), ColdPool.offset(0, 10));
        assertEquals(0, sim.inUse(), "requests leaked");
        sim.close();
    }

    @Test
    void whenThePoolFailsWhoWaitsFailsToo() throws StorageException {
        warmInnerNodes();
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(7, 0));
        List<Integer> prefetched = cold.prefetch(volume, ColdPool.offset(9, 0), BLOCK);
        assertEquals(Errno.OK, sim.trim(volume, ColdPool.offset(0, 10), BLOCK));
        cold.faults.failAlways(BlockOperation.WRITE, Errno.EIO);
        assertEquals(Errno.EIO, sim.flush(volume));
        assertEquals(PoolMode.FAIL, sim.pool.mode());
        cold.answerAll();
        assertEquals(Errno.EIO, read.errno);
        assertEquals(List.of(Errno.EIO), prefetched);
        sim.close();
    }

    @Test
    void aVolumeCanBeDeletedAndItsIdUsedAgainWhileItsRegionsAreReadAhead() throws StorageException {
        warmInnerNodes();
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(1, 0));
        while (!read.isDone()) {
            cold.answer(0);
        }
        assertTrue(cold.late.held() > 0, "nothing is read ahead");
        volume.close();
        sim.await(sim.pool.deleteVolume("v"));
        volume = sim.create("w", ColdPool.VOLUME);
        cold.answerAll();
        assertArrayEquals(new byte[512], sim.read(volume, ColdPool.offset(2, 0), 512));
        assertEquals(Errno.OK, sim.write(volume, ColdPool.offset(2, 0), ThinPoolTest.bytes(1, 512)));
        assertArrayEquals(ThinPoolTest.bytes(1, 512), sim.read(volume, ColdPool.offset(2, 0), 512));
        shutDown();
    }

    @Test
    void aRollbackWhileRegionsAreReadAheadShowsTheSnapshot() throws StorageException {
        sim.snapshot("v", "s").close();
        assertEquals(Errno.OK, sim.write(volume, ColdPool.offset(2, 0), ThinPoolTest.bytes(1, 512)));
        reopen();
        warmInnerNodes();
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(1, 0));
        while (!read.isDone()) {
            cold.answer(0);
        }
        assertTrue(cold.late.held() > 0, "nothing is read ahead");
        volume.close();
        sim.await(sim.pool.rollBack("v", "s", "kept"));
        volume = sim.pool.openVolume("v");
        cold.answerAll();
        assertRead(cold.startRead(volume, ColdPool.offset(2, 0)), ColdPool.offset(2, 0));
        shutDown();
    }

    private void reopen() throws StorageException {
        volume.close();
        sim.shutDown();
        cold.open(3, 1, PoolCaches.DEFAULT);
        sim = cold.sim;
        volume = sim.pool.openVolume("v");
    }

    @Test
    void aVolumeThatShrinksMeanwhileAnswersAsItIsThen() throws StorageException {
        warmInnerNodes();
        SimHarness.Result beyond = cold.startRead(volume, ColdPool.offset(29, 0));
        SimHarness.Result inside = cold.startRead(volume, ColdPool.offset(3, 0));
        sim.await(sim.pool.resizeVolume("v", ColdPool.VOLUME / 2, true));
        cold.answerAll();
        assertEquals(Errno.EINVAL, beyond.errno);
        assertRead(inside, ColdPool.offset(3, 0));
        sim.await(sim.pool.resizeVolume("v", ColdPool.VOLUME, true));
        SimHarness.Result again = cold.startRead(volume, ColdPool.offset(29, 0));
        cold.answerAll();
        assertEquals(Errno.OK, again.errno);
        assertArrayEquals(new byte[again.data.length], again.data, "what was cut off does not come back");
        shutDown();
    }

    @Test
    void aWriteThatWaitsForItsRegionIsNotInASnapshotTakenMeanwhile() throws StorageException {
        warmInnerNodes();
        SimHarness.Result write =
                sim.start(0, volume, BlockOperation.WRITE, ColdPool.offset(7, 1), 512, 0, ThinPoolTest.bytes(1, 512));
        CompletableFuture<VolumeInfo> taken = sim.pool.createSnapshot("v", "s", false);
        sim.loops.runUntilIdle();
        assertTrue(taken.isDone(), "the snapshot waits for a region");
        assertFalse(write.isDone());
        cold.answerAll();
        assertEquals(Errno.OK, write.errno);
        cold.late.answerAtOnce();
        ThinVolume snapshot = sim.pool.openVolume("s");
        assertRead(cold.startRead(snapshot, ColdPool.offset(7, 1)), ColdPool.offset(7, 1));
        assertArrayEquals(ThinPoolTest.bytes(1, 512), sim.read(volume, ColdPool.offset(7, 1), 512));
        snapshot.close();
        shutDown();
    }

    @Test
    void aReadThatWaitsForItsRegionSeesATrimThatWasAnsweredMeanwhile() throws StorageException {
        warmInnerNodes();
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(7, 1));
        assertEquals(Errno.OK, sim.trim(volume, ColdPool.offset(7, 0), 4L * BLOCK));
        assertFalse(read.isDone());
        cold.answerAll();
        assertEquals(Errno.OK, read.errno);
        assertArrayEquals(new byte[512], read.data, "the region was built of what was read before the trim");
        assertArrayEquals(new byte[512], sim.read(volume, ColdPool.offset(7, 2), 512));
        shutDown();
    }

    @Test
    void thePoolIsClosedWhenWhatIsReadAheadHasArrived() throws StorageException {
        warmInnerNodes();
        SimHarness.Result read = cold.startRead(volume, ColdPool.offset(1, 0));
        while (!read.isDone()) {
            cold.answer(0);
        }
        assertTrue(cold.late.held() > 0, "nothing is read ahead");
        volume.close();
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.runUntilIdle();
        assertFalse(closed.isDone(), "the kernel may still write to the pool's memory");
        cold.answerAll();
        assertTrue(closed.isDone());
        assertEquals(0, sim.inUse(), "requests leaked");
        sim.close();
        SimPool.assertSound(cold.metadata, "closed");
    }

    @Test
    void aPrefetchEndsWhenThePoolIsClosed() throws StorageException {
        warmInnerNodes();
        List<Integer> answers = cold.prefetch(volume, 0, ColdPool.VOLUME);
        volume.close();
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.runUntilIdle();
        assertFalse(closed.isDone());
        long seen = cold.late.seen();
        cold.answerAll();
        assertTrue(closed.isDone());
        assertEquals(List.of(Errno.EIO), answers);
        assertEquals(seen, cold.late.seen(), "something was begun after the end");
        sim.close();
    }
}

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
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What goes on while a commit is being written, with devices that keep a step of it back (rules G-2 to G-6, E-4, S-1,
 * S-3).
 */
class OverlappedCommitTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 8L << 20;
    private static final int DATA_BLOCKS = 24;
    private static final int WORKER = 2;

    private final SimulatedDisk metadataDisk = new SimulatedDisk(1 << 20);
    private final SimulatedDisk dataDisk = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
    private final FaultPlan faults = new FaultPlan();
    private final SlowDisk metadata = new SlowDisk(new FaultyDevice(metadataDisk, faults));
    private final SlowDisk data = new SlowDisk(dataDisk);
    private SimPool sim;
    private ThinVolume v;
    private ThinVolume w;

    /** A step of the commit that is kept back. */
    enum Step {
        DATA_FLUSH,
        BLOCKS,
        FLUSH,
        SUPERBLOCK
    }

    /** {@code v} and {@code w} have one stable block each, and so has {@code cold}, of which nothing is in memory. */
    @BeforeEach
    void threeVolumes() throws StorageException {
        SimPool.format(metadataDisk, dataDisk);
        sim = SimPool.open(metadata, data, 1, WORKER);
        for (String name : List.of("v", "w", "cold")) {
            ThinVolume volume = sim.create(name, VOLUME);
            assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK)));
            assertEquals(Errno.OK, sim.flush(volume));
            volume.close();
        }
        sim.shutDown();
        PoolOptions options = SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadataDisk, dataDisk), 0);
        sim = SimPool.open(metadata, data, 2, WORKER, options);
        v = sim.pool.openVolume("v");
        w = sim.pool.openVolume("w");
        sim.read(v, 0, 512);
        sim.read(w, 0, 512);
    }

    @AfterEach
    void close() {
        sim.close();
    }

    @ParameterizedTest
    @EnumSource
    void theWorkerServesWhileACommitIsWritten(Step step) throws StorageException {
        SimHarness.Result flush = commitHeldAt(step);
        long before = sim.pool.counters().mappedDuringCommit.sum();
        assertEquals(Errno.OK, sim.write(v, 3L * BLOCK, ThinPoolTest.bytes(3, BLOCK)));
        assertEquals(Errno.OK, sim.write(w, 3L * BLOCK, ThinPoolTest.bytes(4, 512)));
        assertEquals(Errno.OK, sim.trim(v, 0, BLOCK));
        ThinVolume cold = sim.pool.openVolume("cold");
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(cold, 0, BLOCK));
        assertArrayEquals(new byte[512], sim.read(v, 512, 512));
        assertArrayEquals(ThinPoolTest.bytes(3, BLOCK), sim.read(v, 3L * BLOCK, BLOCK));
        assertEquals(before + 2, sim.pool.counters().mappedDuringCommit.sum());
        assertFalse(flush.isDone(), "answered before it was stable");
        letGo();
        assertEquals(Errno.OK, flush.errno);
        assertEquals(Errno.OK, sim.flush(v));
        assertEquals(Errno.OK, sim.flush(w));
        crash();
        assertArrayEquals(new byte[BLOCK], sim.read(sim.pool.openVolume("v"), 0, BLOCK));
        assertArrayEquals(ThinPoolTest.bytes(3, BLOCK), sim.read(sim.pool.openVolume("v"), 3L * BLOCK, BLOCK));
        assertArrayEquals(ThinPoolTest.bytes(4, 512), sim.read(sim.pool.openVolume("w"), 3L * BLOCK, 512));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsChangedMeanwhileIsNotInTheCommitUnderWay(Step step) throws StorageException {
        SimHarness.Result flush = commitHeldAt(step);
        assertEquals(Errno.OK, sim.write(v, 3L * BLOCK, ThinPoolTest.bytes(3, BLOCK)));
        assertEquals(Errno.OK, sim.trim(v, 0, BLOCK));
        letGo();
        assertEquals(Errno.OK, flush.errno);
        crash();
        v = sim.pool.openVolume("v");
        assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(v, 2L * BLOCK, BLOCK), "committed");
        assertArrayEquals(new byte[BLOCK], sim.read(v, 3L * BLOCK, BLOCK), "of the next transaction");
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(v, 0, BLOCK), "trimmed in the next transaction");
    }

    /** Its data may have been written after the flush of the data device that belongs to the commit under way. */
    @Test
    void aFlushThatComesMeanwhileWaitsForTheNextCommit() throws StorageException {
        SimHarness.Result first = commitHeldAt(Step.SUPERBLOCK);
        assertEquals(Errno.OK, sim.write(v, 0, ThinPoolTest.bytes(5, BLOCK)), "in place");
        SimHarness.Result second = start(v, BlockOperation.FLUSH);
        data.hold(holding(Step.DATA_FLUSH));
        sim.loops.runUntilIdle();
        letGo(metadata);
        assertEquals(Errno.OK, first.errno);
        assertFalse(second.isDone(), "the data device was not flushed since the write");
        letGo();
        assertEquals(Errno.OK, second.errno);
        crash();
        assertArrayEquals(ThinPoolTest.bytes(5, BLOCK), sim.read(sim.pool.openVolume("v"), 0, BLOCK));
    }

    @ParameterizedTest
    @EnumSource
    void managementOperationsWaitForTheCommitUnderWay(Step step) throws StorageException {
        SimHarness.Result flush = commitHeldAt(step);
        List<CompletableFuture<?>> operations = List.of(
                sim.pool.createVolume(new VolumeSpec("new", VOLUME)),
                sim.pool.createSnapshot("v", "s", false),
                sim.pool.createSnapshot("w", "t", false),
                sim.pool.dmStatus(),
                sim.pool.setTransactionId(0, 7),
                sim.pool.reserveMetadataSnapshot(),
                sim.pool.releaseMetadataSnapshot(),
                sim.pool.renameVolume("cold", "warm"),
                sim.pool.deleteVolume("warm"),
                sim.pool.grow((DATA_BLOCKS + 4L) * BLOCK, 0));
        sim.loops.runUntilIdle();
        operations.forEach(operation -> assertFalse(operation.isDone()));
        assertEquals(Errno.OK, sim.write(w, 5L * BLOCK, ThinPoolTest.bytes(5, 512)), "others are served meanwhile");
        letGo();
        assertEquals(Errno.OK, flush.errno);
        for (CompletableFuture<?> operation : operations) {
            assertTrue(operation.isDone());
            ThinPool.join(operation);
        }
        crash();
        assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(sim.pool.openVolume("s"), 2L * BLOCK, BLOCK));
        assertArrayEquals(ThinPoolTest.bytes(5, 512), sim.read(sim.pool.openVolume("t"), 5L * BLOCK, 512));
    }

    @ParameterizedTest
    @EnumSource
    void closingWaitsForTheCommitUnderWay(Step step) throws StorageException {
        assertEquals(Errno.OK, sim.write(v, 2L * BLOCK, ThinPoolTest.bytes(2, BLOCK)));
        v.close();
        w.close();
        hold(step);
        sim.loops.advance(Committer.PERIOD_NANOS);
        assertTrue(metadata.heldCount() + data.heldCount() > 0, "G-1");
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.runUntilIdle();
        assertFalse(closed.isDone());
        letGo();
        assertTrue(closed.isDone());
        crash();
        assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(sim.pool.openVolume("v"), 2L * BLOCK, BLOCK));
    }

    /** DI-6a: a crash would bring back what was trimmed. */
    @ParameterizedTest
    @EnumSource
    void nothingIsDiscardedBeforeTheCommitThatFreesItIsStable(Step step) throws StorageException {
        byte[] before = dataDisk.readNow(0, DATA_BLOCKS * BLOCK);
        assertEquals(Errno.OK, sim.trim(v, 0, BLOCK));
        hold(step);
        SimHarness.Result flush = start(v, BlockOperation.FLUSH);
        sim.loops.runUntilIdle();
        assertArrayEquals(before, dataDisk.readNow(0, DATA_BLOCKS * BLOCK));
        letGo();
        assertEquals(Errno.OK, flush.errno);
        assertEquals(1, sim.pool.counters().discardedBlocks.sum());
    }

    /** S-1: what the frozen transaction freed is still used by the last stable state; and it is worth waiting for. */
    @ParameterizedTest
    @EnumSource
    void aWriteThatNeedsSpaceWaitsForWhatTheCommitUnderWayHasFreed(Step step) throws StorageException {
        long block = 2;
        while (sim.status().space().dataBlocksFree() > 0) {
            assertEquals(Errno.OK, sim.write(v, block++ * BLOCK, ThinPoolTest.bytes(2, 512)));
        }
        assertEquals(Errno.OK, sim.flush(v));
        assertEquals(Errno.OK, sim.trim(w, 0, BLOCK));
        hold(step);
        SimHarness.Result flush = start(w, BlockOperation.FLUSH);
        sim.loops.runUntilIdle();
        SimHarness.Result write =
                sim.start(0, v, BlockOperation.WRITE, block * BLOCK, BLOCK, 0, ThinPoolTest.bytes(9, BLOCK));
        sim.loops.runUntilIdle();
        assertFalse(write.isDone(), "ENOSPC, or a block that the stable state uses");
        assertFalse(flush.isDone());
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        letGo();
        assertEquals(Errno.OK, write.errno);
        assertEquals(Errno.OK, flush.errno);
        assertEquals(PoolMode.WRITE, sim.pool.mode());
    }

    /** Both transactions are lost, the one under way and the running one; what comes back late changes nothing. */
    @ParameterizedTest
    @EnumSource
    void anAbortMeanwhileGoesBackToTheStableState(Step step) throws StorageException {
        SimHarness.Result flush = commitHeldAt(step);
        assertEquals(Errno.OK, sim.write(w, 3L * BLOCK, ThinPoolTest.bytes(3, BLOCK)));
        SimHarness.Result second = start(w, BlockOperation.FLUSH);
        sim.loops.runUntilIdle();
        // Ahead of need, and when it is needed.
        faults.failDuring(BlockOperation.READ, 1, 2, Errno.EIO);
        ThinVolume cold = sim.pool.openVolume("cold");
        SimHarness.Result read = sim.finish(sim.start(0, cold, BlockOperation.READ, 0, BLOCK, 0, null));
        assertEquals(Errno.EIO, read.errno);
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        // What memory has now must not be mixed with what is under way.
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(v, 0, BLOCK));
        assertArrayEquals(new byte[BLOCK], sim.read(w, 3L * BLOCK, BLOCK), "E-1");
        long commits = sim.pool.counters().commits.sum();
        letGo();
        assertEquals(Errno.EIO, flush.errno, "G-6");
        assertEquals(Errno.EIO, second.errno, "G-6");
        assertEquals(Errno.EIO, sim.flush(v), "G-6");
        assertEquals(Errno.EIO, sim.flush(w), "G-6");
        assertEquals(Errno.OK, sim.flush(cold), "it has lost nothing");
        assertEquals(commits, sim.pool.counters().commits.sum(), "a late completion was taken for a commit");
        assertTrue(sim.status().needsCheck());
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertEquals(0, sim.inUse(), "requests leaked");
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.runUntilIdle();
        assertTrue(closed.isDone());
        crash();
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode(), "M-4: the flag has the last word");
        v = sim.pool.openVolume("v");
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(v, 0, BLOCK));
        assertArrayEquals(new byte[BLOCK], sim.read(v, 2L * BLOCK, BLOCK), "E-1");
        assertArrayEquals(new byte[BLOCK], sim.read(sim.pool.openVolume("w"), 3L * BLOCK, BLOCK), "E-1");
    }

    @ParameterizedTest
    @EnumSource
    void aStepThatFailsLosesBothTransactions(Step step) throws StorageException {
        SimHarness.Result flush = commitHeldAt(step);
        assertEquals(Errno.OK, sim.write(w, 3L * BLOCK, ThinPoolTest.bytes(3, BLOCK)));
        SimHarness.Result second = start(w, BlockOperation.FLUSH);
        CompletableFuture<VolumeInfo> message = sim.pool.createVolume(new VolumeSpec("new", VOLUME));
        sim.loops.runUntilIdle();
        SlowDisk device = step == Step.DATA_FLUSH ? data : metadata;
        device.failFirst(sim, Errno.EIO);
        letGo();
        assertEquals(Errno.EIO, flush.errno);
        assertEquals(Errno.EIO, second.errno, "its transaction was built on the other one");
        assertTrue(message.isCompletedExceptionally());
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertEquals(Errno.EIO, sim.flush(v), "G-6");
        assertEquals(Errno.EIO, sim.flush(w), "G-6");
        assertEquals(0, sim.inUse(), "requests leaked");
        crash();
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode(), "M-4");
        assertArrayEquals(new byte[BLOCK], sim.read(sim.pool.openVolume("w"), 3L * BLOCK, BLOCK), "E-1");
    }

    /** Maps a block of {@code v}, asks for a flush and lets the commit go as far as the step. */
    private SimHarness.Result commitHeldAt(Step step) {
        assertEquals(Errno.OK, sim.write(v, 2L * BLOCK, ThinPoolTest.bytes(2, BLOCK)));
        hold(step);
        SimHarness.Result flush = start(v, BlockOperation.FLUSH);
        sim.loops.runUntilIdle();
        assertTrue(metadata.heldCount() + data.heldCount() > 0);
        assertFalse(flush.isDone());
        return flush;
    }

    private void hold(Step step) {
        (step == Step.DATA_FLUSH ? data : metadata).hold(holding(step));
    }

    /** Only what does not block the worker: that could never be let go. */
    private static Predicate<BlockRequest> holding(Step step) {
        return r -> r.loop().index() == WORKER
                && switch (step) {
                    case DATA_FLUSH, FLUSH -> r.operation() == BlockOperation.FLUSH;
                    case BLOCKS -> r.operation() == BlockOperation.WRITE && r.offsetBytes() > 0;
                    case SUPERBLOCK -> r.operation() == BlockOperation.WRITE && r.offsetBytes() == 0;
                };
    }

    private SimHarness.Result start(ThinVolume volume, BlockOperation operation) {
        return sim.start(1, volume, operation, 0, 0, 0, null);
    }

    private void letGo(SlowDisk disk) {
        disk.letGo(sim);
    }

    private void letGo() {
        metadata.letGo(sim);
        data.letGo(sim);
    }

    /** All that is not stable is lost; the pool is opened again. */
    private void crash() throws StorageException {
        sim.close();
        metadataDisk.crashLosingAll();
        dataDisk.crashLosingAll();
        SimPool.assertSound(metadataDisk, "after the crash");
        sim = SimPool.open(metadataDisk, dataDisk, 3, 1);
    }
}

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.job.MoveLimits;
import dev.gossamer.thin.job.MoveStart;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A pool whose data is made smaller, under a client that writes and flushes; power fails after every device operation,
 * or the n-th operation of a device fails, for every n. The metadata is sound, all volumes have their contents, and a
 * block has one place or the other (RL-5, I-6).
 */
class RelocationPowerCutTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int DATA_BLOCKS = 40;
    private static final int SHRUNK_BLOCKS = 24;
    private static final long VOLUME = 8L * BLOCK;

    private final SimulatedDisk metadataBase = new SimulatedDisk(1 << 20);
    private final SimulatedDisk dataBase = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
    private static final MoveLimits SMALL = new MoveLimits(2, 2, 2, 4, 3);

    private MoveLimits limits = MoveLimits.NORMAL;
    private final Map<String, byte[]> contents = new LinkedHashMap<>();

    /** Shared leaves, shared blocks, exclusive ones, up to the end of the device. */
    @BeforeEach
    void volumes() throws StorageException {
        SimPool.format(metadataBase, dataBase);
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 1)) {
            ThinVolume gap = sim.create("gap", 20L * BLOCK);
            sim.write(gap, 0, ThinPoolTest.bytes(9, 20 * BLOCK));
            ThinVolume a = sim.create("a", VOLUME);
            sim.write(a, 0, ThinPoolTest.bytes(1, 6 * BLOCK));
            sim.snapshot("a", "s").close();
            sim.write(a, BLOCK, ThinPoolTest.bytes(2, 2 * BLOCK));
            ThinVolume b = sim.create("b", VOLUME);
            new JobRig(sim).cloneNow(JobRig.whole("a", "b"));
            sim.write(b, 0, ThinPoolTest.bytes(3, BLOCK));
            gap.close();
            sim.await(sim.pool.deleteVolume("gap"));
            sim.loops.advance(3_000_000_000L);
            for (String name : new String[] {"a", "s", "b"}) {
                ThinVolume volume = sim.pool.openVolume(name);
                contents.put(name, sim.read(volume, 0, (int) VOLUME));
                volume.close();
            }
            a.close();
            b.close();
            sim.shutDown();
        }
    }

    private final PowerCuts<Outcome> cuts = new PowerCuts<>(metadataBase, dataBase) {
        @Override
        Outcome act(SimPool sim, PoolOptions options) throws StorageException {
            return shrink(sim, options.growth());
        }

        @Override
        void check(SimulatedDisk metadata, SimulatedDisk data, Outcome outcome, String where) throws StorageException {
            checkContents(metadata, data, outcome, where);
        }
    };

    @Test
    void everyCutLeavesEachBlockAtOnePlace() throws StorageException {
        cuts.cutEach(20);
    }

    /** With limits so small that a block's owners are moved one or two at a time. */
    @Test
    void everyCutWhileOwnersAreMovedByPartsLeavesAllContents() throws StorageException {
        limits = SMALL;
        cuts.cutEach(20);
    }

    @ParameterizedTest
    @EnumSource(names = {"READ", "WRITE", "FLUSH"})
    void everyFailureOfTheMetadataLeavesEachBlockAtOnePlace(BlockOperation operation) throws StorageException {
        cuts.failEach(operation, true, 2);
    }

    @ParameterizedTest
    @EnumSource(names = {"READ", "WRITE", "FLUSH"})
    void everyFailureOfTheDataLeavesEachBlockAtOnePlace(BlockOperation operation) throws StorageException {
        cuts.failEach(operation, false, 2);
    }

    @ParameterizedTest
    @EnumSource(names = {"READ", "WRITE", "FLUSH"})
    void everyFailureWhileOwnersAreMovedByPartsLeavesAllContents(BlockOperation operation) throws StorageException {
        limits = SMALL;
        cuts.failEach(operation, true, 2);
        cuts.failEach(operation, false, 2);
    }

    /** What a client was told: the last write that was flushed, and the one after it. */
    private static final class Outcome {
        int flushed;
        int written;
        boolean done;
    }

    private Outcome shrink(SimPool sim, PoolGrowth growth) throws StorageException {
        Outcome outcome = new Outcome();
        JobRig jobs = new JobRig(sim);
        ThinVolume b = sim.pool.openVolume("b");
        JobInfo job;
        try {
            MoveStart moves = jobs.moves(limits, growth);
            job = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> moves.shrink((long) SHRUNK_BLOCKS * BLOCK)));
        } catch (StorageException e) {
            return outcome;
        }
        for (int i = 1; i <= 200 && !job.state().isFinal(); i++) {
            if (i % 3 == 0) {
                outcome.written = i;
                boolean written = sim.write(b, 512, ThinPoolTest.bytes(100 + i, 512)) == Errno.OK;
                if (written && sim.flush(b) == Errno.OK) {
                    outcome.flushed = i;
                } else {
                    break;
                }
            }
            sim.loops.advance(700_000L);
            job = jobs.show(job.id());
        }
        sim.loops.advance(1_000_000_000L);
        outcome.done = jobs.show(job.id()).state() == JobInfo.State.DONE;
        return outcome;
    }

    private void checkContents(SimulatedDisk metadata, SimulatedDisk data, Outcome outcome, String where)
            throws StorageException {
        SimPool.assertSound(metadata, where);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            if (outcome.done) {
                assertEquals(SHRUNK_BLOCKS, sim.status().dataBlocks(), where);
            }
            for (Map.Entry<String, byte[]> volume : contents.entrySet()) {
                byte[] found = sim.read(sim.pool.openVolume(volume.getKey()), 0, (int) VOLUME);
                byte[] expected = volume.getValue().clone();
                if (volume.getKey().equals("b")) {
                    // The client's sectors: what it flushed last, or wrote after that.
                    byte[] sectors = Arrays.copyOfRange(found, 512, 1024);
                    assertTrue(isWritten(sectors, outcome, expected), where + ": a flushed write is lost");
                    System.arraycopy(sectors, 0, expected, 512, 512);
                }
                assertArrayEquals(expected, found, where + ", " + volume.getKey());
            }
            if (sim.pool.mode() == PoolMode.WRITE) {
                sim.create("new", VOLUME).close();
            }
        }
    }

    private static boolean isWritten(byte[] found, Outcome outcome, byte[] before) {
        boolean old = outcome.flushed == 0 && Arrays.equals(found, Arrays.copyOfRange(before, 512, 1024));
        return old
                || Arrays.equals(found, ThinPoolTest.bytes(100 + outcome.flushed, 512))
                || Arrays.equals(found, ThinPoolTest.bytes(100 + outcome.written, 512));
    }
}

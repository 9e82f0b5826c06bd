package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Two transactions take metadata at the same time, and what both have used up in vain comes back: however little
 * there is, a commit under way is waited for before there is too little for the next (S-3).
 */
class OverlapMetadataSpaceTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int WORKER = 2;
    private static final long VOLUME = 1L << 30;

    private static final int METADATA_BLOCKS = 200;
    private static final int IN_PREPARATION = 12;

    private int waits;

    @Test
    void aCommitUnderWayIsWaitedForBeforeMetadataRunsOut() throws StorageException {
        for (int free = 1; free < 16; free++) {
            story(free);
        }
        assertTrue(waits > 5, "only " + waits + " stories had to wait");
    }

    private void story(int free) throws StorageException {
        String where = free + " metadata blocks free";
        SimulatedDisk metadataDisk = new SimulatedDisk(METADATA_BLOCKS * 4096L);
        SlowDisk data = new SlowDisk(new SimulatedDisk(4000L * BLOCK));
        SlowDisk metadata = new SlowDisk(metadataDisk);
        SimPool.format(metadataDisk, data);
        try (SimPool sim = SimPool.open(metadata, data, free, WORKER)) {
            ThinVolume v = sim.create("v", VOLUME);
            int mapped = 6000;
            for (int block = 0; block < mapped; block += 2) {
                assertEquals(Errno.OK, sim.write(v, (long) block * BLOCK, new byte[512]), where);
            }
            assertEquals(Errno.OK, sim.flush(v), where);
            // Each has a tree of its own.
            fill(sim, free);
            List<SimHarness.Result> results = new ArrayList<>();
            // Blocks in preparation are mapped when they are ready, however little metadata is left.
            data.hold(r -> r.loop().index() == WORKER && r.operation() == BlockOperation.WRITE);
            for (int i = 1; i <= IN_PREPARATION; i++) {
                write(sim, v, i * 480 + 1, results);
            }
            sim.loops.runUntilIdle();
            data.hold(r -> false);
            for (int i = 1; i <= IN_PREPARATION; i++) {
                write(sim, v, i * 480 + 3, results);
            }
            sim.loops.runUntilIdle();
            metadata.hold(
                    r -> r.loop().index() == WORKER && r.operation() == BlockOperation.WRITE && r.offsetBytes() == 0);
            SimHarness.Result flush = sim.start(1, v, BlockOperation.FLUSH, 0, 0, 0, null);
            sim.loops.runUntilIdle();
            data.letGo(sim);
            for (int i = 1; i <= 12; i++) {
                results.add(sim.start(0, v, BlockOperation.DISCARD, i * 400L * BLOCK, BLOCK, 0, null));
                write(sim, v, mapped + 300 + i * 40, results);
            }
            sim.loops.runUntilIdle();
            waits += results.stream().allMatch(SimHarness.Result::isDone) ? 0 : 1;
            metadata.letGo(sim);
            assertEquals(Errno.OK, flush.errno, where);
            for (SimHarness.Result result : results) {
                assertTrue(result.isDone(), where + ": something hangs");
            }
            assertTrue(!sim.pool.mode().isFinal(), where + ": aborted, " + sim.pool.mode());
            v.close();
            sim.shutDown();
            SimPool.assertSound(metadataDisk, where);
        }
    }

    /** Down to so many free blocks, or to as few as a volume more would take. */
    private static void fill(SimPool sim, int free) throws StorageException {
        try {
            for (int i = 0; sim.status().space().metadataBlocksFree() > free; i++) {
                sim.create("filler" + i, VOLUME).close();
            }
        } catch (StorageException e) {
            assertEquals(Errno.ENOSPC, e.errno(), e.getMessage());
        }
    }

    private static void write(SimPool sim, ThinVolume v, int block, List<SimHarness.Result> results) {
        results.add(sim.start(0, v, BlockOperation.WRITE, (long) block * BLOCK, 512, 0, new byte[512]));
    }
}

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
import dev.gossamer.thin.PoolMode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Bursts that want more metadata than there is (rules S-3, S-4): each request is charged before its block is prepared,
 * with those that are on their way, so what is too much waits or gets ENOSPC, and the transaction is never lost.
 */
class MetadataBurstTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int METADATA_BLOCKS = 512;
    private static final int DATA_BLOCKS = 60_000;
    private static final int BURST = 128;
    /** More than a leaf of the tree has: each write of a burst copies and splits another one. */
    private static final int STRIDE = 460;

    private SimulatedDisk metadata;
    private SimPool sim;
    private ThinVolume volume;

    @Test
    void aBurstOfNewBlocksWithThreeMetadataBlocksLeft() throws StorageException {
        open(1);
        fillUpTo(3);
        burst(BlockOperation.WRITE, 1);
        closeAndCheck();
    }

    @Test
    void aBurstThatBreaksSharingWithLittleMetadataLeft() throws StorageException {
        for (int free = 0; free < 60; free += 6) {
            open(2 + free);
            fillUpTo(100);
            sim.snapshot("v", "s").close();
            fillUpTo(free);
            burst(BlockOperation.WRITE, 0);
            burst(BlockOperation.DISCARD, 0);
            closeAndCheck();
        }
    }

    @Test
    void aBurstOfTrimsWithLittleMetadataLeft() throws StorageException {
        for (int free = 0; free < 30; free += 3) {
            open(3 + free);
            fillUpTo(free);
            burst(BlockOperation.DISCARD, 0);
            closeAndCheck();
        }
    }

    /** A metadata snapshot makes all nodes shared while blocks are on their way that were charged for private ones. */
    @Test
    void aMetadataSnapshotWhileBlocksAreInPreparation() throws StorageException {
        for (int free = 8; free < 80; free += 6) {
            open(4 + free);
            fillUpTo(free);
            List<SimHarness.Result> writes = start(BlockOperation.WRITE, 1, 20);
            try {
                sim.await(sim.pool.reserveMetadataSnapshot());
            } catch (StorageException e) {
                assertEquals(Errno.ENOSPC, e.errno(), e.getMessage());
            }
            assertAnswered(writes);
            burst(BlockOperation.WRITE, 3);
            closeAndCheck();
        }
    }

    private void open(long seed) throws StorageException {
        metadata = new SimulatedDisk(METADATA_BLOCKS * 4096L);
        VoidDisk data = new VoidDisk((long) DATA_BLOCKS * BLOCK);
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, seed, 2);
        volume = sim.create("v", 4L << 30);
        List<SimHarness.Result> writes = new ArrayList<>();
        for (int block = 0; block < DATA_BLOCKS; block += 2) {
            writes.add(start(BlockOperation.WRITE, block));
            if (writes.size() == 500) {
                sim.loops.runUntilIdle();
                writes.clear();
            }
        }
        assertEquals(Errno.OK, sim.flush(volume));
    }

    /** Until so many are free, or a volume more does not fit. */
    private void fillUpTo(int free) throws StorageException {
        try {
            for (int i = 0; sim.status().space().metadataBlocksFree() > free; i++) {
                sim.create("filler" + free + "-" + i, BLOCK).close();
            }
        } catch (StorageException e) {
            assertEquals(Errno.ENOSPC, e.errno(), e.getMessage());
        }
        assertEquals(Errno.OK, sim.flush(volume));
    }

    private void burst(BlockOperation operation, int first) throws StorageException {
        assertAnswered(start(operation, first, BURST));
    }

    private List<SimHarness.Result> start(BlockOperation operation, int first, int count) {
        List<SimHarness.Result> results = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            results.add(start(operation, first + i * STRIDE));
        }
        return results;
    }

    private SimHarness.Result start(BlockOperation operation, int block) {
        boolean write = operation == BlockOperation.WRITE;
        int length = write ? 512 : BLOCK;
        return sim.start(0, volume, operation, (long) block * BLOCK, length, 0, write ? new byte[512] : null);
    }

    private void assertAnswered(List<SimHarness.Result> results) throws StorageException {
        sim.loops.runUntilIdle();
        for (SimHarness.Result result : results) {
            assertTrue(result.isDone(), "a request waits for ever");
            assertTrue(result.errno == Errno.OK || result.errno == Errno.ENOSPC, Errno.name(result.errno));
        }
        assertFalse(sim.pool.mode().isFinal(), "aborted: " + sim.pool.events());
        assertFalse(sim.status().needsCheck());
        assertEquals(Errno.OK, sim.flush(volume), "S-4");
        assertArrayEquals(new byte[512], sim.read(volume, 0, 512));
        assertTrue(
                sim.pool.mode().compareTo(PoolMode.OUT_OF_METADATA_SPACE) <= 0,
                sim.pool.mode().toString());
    }

    private void closeAndCheck() throws StorageException {
        volume.close();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the burst");
    }
}

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.commit.Committer;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/**
 * Reclaiming that finds no metadata for a step, and nothing to commit that would give some back, is not what a write
 * waits for: each commit would have it look again, and the next one would follow at once, for ever.
 */
class ReclaimStallTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MANY = 1100;
    private static final int METADATA_BLOCKS = 256;

    private final SimulatedDisk metadata = new SimulatedDisk(METADATA_BLOCKS * 4096L);
    private final VoidDisk data = new VoidDisk(2L * MANY * BLOCK);
    private final ForgedMetadata forged = new ForgedMetadata(metadata);

    /** A volume that was deleted a moment ago; then the power failed. */
    private void deleteALargeVolume() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume big = sim.create("big", 2L * MANY * BLOCK);
            for (int i = 0; i < MANY; i++) {
                assertEquals(Errno.OK, sim.write(big, (long) i * BLOCK, new byte[512]));
            }
            assertEquals(Errno.OK, sim.flush(big));
            big.close();
            sim.create("other", 2L * MANY * BLOCK).close();
            sim.await(sim.pool.deleteVolume("big"));
            assertTrue(sim.status().reclaimBlocks() > 0);
        }
    }

    /** Counts all but so many free metadata blocks as used, as a program that leaks them does. */
    private void leaveFree(int blocks) {
        long location = forged.block(forged.superblock().getLong(ForgedMetadata.METADATA_BITMAPS))
                .getLong(16);
        ByteBuffer bitmap = forged.block(location);
        int left = blocks;
        for (int block = 0; block < METADATA_BLOCKS; block++) {
            int at = 16 + block / 4;
            int shift = block % 4 * 2;
            boolean free = (bitmap.get(at) >>> shift & 3) == 0;
            left -= free ? 1 : 0;
            if (free && left < 0) {
                bitmap.put(at, (byte) (bitmap.get(at) | 2 << shift));
            }
        }
        forged.put(location, bitmap, ForgedMetadata.BITMAP);
    }

    @Test
    void whoWantsABlockWaitsForStepsThatThereIsMetadataForAndForNoOthers() throws StorageException {
        deleteALargeVolume();
        leaveFree(4);
        SimPool.DiskGrowth growth = new SimPool.DiskGrowth(metadata, null);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1, SimPool.OPTIONS.withGrowth(growth, 0))) {
            assertTrue(sim.pool.parts.reclaimer.isPending(), "not tried yet");
            sim.loops.advance(3 * Committer.PERIOD_NANOS);
            assertTrue(sim.status().reclaimBlocks() > 0);
            assertFalse(sim.pool.parts.reclaimer.isPending());
            sim.await(sim.pool.grow(-1, 2L * METADATA_BLOCKS * 4096));
            sim.loops.advance(20 * Committer.PERIOD_NANOS);
            assertEquals(0, sim.status().reclaimBlocks(), "it goes on by itself once there is some");
            assertEquals(PoolMode.WRITE, sim.pool.mode());
            sim.shutDown();
        }
    }
}

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Running out of metadata is the same on the smallest device (S-3, S-4): commits always fit into the reserve. */
class SmallMetadataTest {
    private static final int BLOCK = 64 << 10;
    /** Forty bitmaps: most of the smallest metadata device. */
    private static final long DATA_BLOCKS = 655_360;

    private static final long VOLUME_BLOCKS = 1 << 19;

    @ParameterizedTest
    @ValueSource(ints = {62, 64, 68})
    void runningOutIsENOSPCAndNothingThatWasAnsweredIsLost(int metadataBlocks) throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(metadataBlocks * 4096L);
        SimulatedDisk data = new SimulatedDisk(DATA_BLOCKS * BLOCK);
        SimPool.format(metadata, data);
        SimPool sim = SimPool.open(
                metadata, data, 1, 2, SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadata, data), 0));
        ThinVolume volume = sim.create("v", VOLUME_BLOCKS * BLOCK);
        int errno = Errno.OK;
        int written = 0;
        while (errno == Errno.OK) {
            errno = sim.write(volume, place(written), ThinPoolTest.bytes(written, 4096));
            written += errno == Errno.OK ? 1 : 0;
            if (written % 50 == 0) {
                assertEquals(Errno.OK, sim.flush(volume), "after " + written);
            }
        }
        assertEquals(Errno.ENOSPC, errno);
        assertTrue(written > 0);
        assertEquals(PoolMode.OUT_OF_METADATA_SPACE, sim.pool.mode());
        assertEquals(Errno.OK, sim.flush(volume), "S-4: the commit fitted into the reserve");
        assertFalse(sim.status().needsCheck());
        for (int i = 0; i < written; i++) {
            assertArrayEquals(ThinPoolTest.bytes(i, 4096), sim.read(volume, place(i), 4096));
        }
        sim.await(sim.pool.grow(-1, 512 * 4096));
        assertEquals(Errno.OK, sim.write(volume, place(written), ThinPoolTest.bytes(written, 4096)));
        assertEquals(Errno.OK, sim.flush(volume));
        volume.close();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the growth");
    }

    /** Scattered over the volume, so that each block soon has a leaf of its own. */
    private static long place(int i) {
        return i * 7919L % VOLUME_BLOCKS * BLOCK;
    }
}

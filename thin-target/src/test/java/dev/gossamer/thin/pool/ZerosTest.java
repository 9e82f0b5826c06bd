package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.VolumeSpec;
import org.junit.jupiter.api.Test;

/** Blocks of zeros that are not unmapped are one block (DD-3). */
class ZerosTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 8;
    private static final long VOLUME = (long) BLOCKS * BLOCK;
    private static final int SNAPSHOTS = 70;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
    private final SimulatedDisk origin = new SimulatedDisk((int) VOLUME);

    private static JobInfo dedupe(SimPool sim) throws StorageException {
        JobInfo over = new JobRig(sim).finish(sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL)));
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        sim.loops.advance(3_000_000_000L);
        return over;
    }

    @Test
    void dd3ZerosThatVeryManySnapshotsHaveAreOneBlock() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 2)) {
            ThinVolume v = sim.create("v", VOLUME);
            assertEquals(Errno.OK, sim.write(v, 0, new byte[6 * BLOCK]));
            for (int i = 0; i < SNAPSHOTS; i++) {
                sim.await(sim.pool.createSnapshot("v", "s" + i, false));
            }
            final long used = sim.status().dataBlocksUsed();
            final long metadataUsed = sim.status().metadataBlocksUsed();
            JobInfo over = dedupe(sim);
            assertEquals(used - 5, sim.status().dataBlocksUsed(), over.message());
            assertEquals(metadataUsed, sim.status().metadataBlocksUsed(), "all have one leaf, as before");
            assertEquals(Errno.OK, sim.write(v, BLOCK, ThinPoolTest.bytes(1, BLOCK)));
            assertArrayEquals(new byte[6 * BLOCK], sim.read(sim.pool.openVolume("s3"), 0, 6 * BLOCK));
            assertArrayEquals(new byte[BLOCK], sim.read(v, 0, BLOCK));
            dedupe(sim);
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after the test");
    }

    /** They cover what the origin has there. */
    @Test
    void dd3ZerosOverAnExternalOriginAreOneBlock() throws StorageException {
        origin.writeNow(0, ThinPoolTest.bytes(50, (int) VOLUME));
        origin.setReadOnly(true);
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS, location -> origin)) {
            sim.await(sim.pool.createVolumeOver(new VolumeSpec("o", VOLUME), "/images/golden", origin));
            ThinVolume o = sim.pool.openVolume("o");
            assertEquals(Errno.OK, sim.write(o, BLOCK, new byte[4 * BLOCK]));
            final long used = sim.status().dataBlocksUsed();
            JobInfo over = dedupe(sim);
            assertEquals(used - 3, sim.status().dataBlocksUsed(), over.message());
            assertArrayEquals(new byte[4 * BLOCK], sim.read(o, BLOCK, 4 * BLOCK));
            assertArrayEquals(ThinPoolTest.bytes(50, BLOCK), sim.read(o, 0, BLOCK));
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after the test");
    }
}

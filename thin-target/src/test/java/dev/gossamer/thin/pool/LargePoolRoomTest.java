package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A pool whose data takes most of its metadata for being counted: 600 bitmaps of 1200 blocks. Where metadata is down to
 * the reserve, all that makes room still works, for it is charged what it takes and not a bitmap for each block (S-3).
 */
class LargePoolRoomTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int METADATA_BLOCKS = 1200;
    private static final long DATA_BLOCKS = 600L * 16320;
    private static final int MAPPED = 4000;
    private static final int MOST = 120_000;
    private static final long VOLUME = (long) MOST * BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(METADATA_BLOCKS * 4096L);
    private final VoidDisk data = new VoidDisk(DATA_BLOCKS * BLOCK);
    private SimPool sim;
    private ThinVolume volume;

    /** A volume, a snapshot of it, and a metadata snapshot; then small volumes until there is no metadata for one. */
    @BeforeEach
    void fillTheMetadata() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2);
        volume = sim.create("v", VOLUME);
        write(0, MAPPED);
        sim.snapshot("v", "s").close();
        sim.await(sim.pool.reserveMetadataSnapshot());
        write(MAPPED / 2, MAPPED / 2 + 300);
        try {
            for (int i = 0; ; i++) {
                sim.await(sim.pool.createVolume(new VolumeSpec("filler" + i, BLOCK)));
            }
        } catch (StorageException e) {
            assertEquals(Errno.ENOSPC, e.errno(), e.getMessage());
        }
        int mapped = MAPPED;
        while (mapped < MOST && sim.write(volume, (long) mapped * BLOCK, new byte[512]) == Errno.OK) {
            mapped++;
        }
        long left = sim.status().space().metadataBlocksFree();
        assertTrue(mapped < MOST && left < 40, left + " blocks above the reserve, " + mapped + " mapped");
        sim.flush(volume);
    }

    private void write(int from, int to) {
        for (int i = from; i < to; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, new byte[512]));
        }
        assertEquals(Errno.OK, sim.flush(volume));
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        assertFalse(sim.pool.mode().isFinal(), "aborted: " + sim.pool.events());
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    @Test
    void trimsTakeEffect() throws StorageException {
        long before = sim.pool.volume("v").mappedBytes();
        assertEquals(Errno.OK, sim.trim(volume, 1000L * BLOCK, 2000L * BLOCK));
        assertEquals(before - 2000L * BLOCK, sim.pool.volume("v").mappedBytes());
        volume.close();
    }

    @Test
    void theMetadataSnapshotCanBeLetGoOf() throws StorageException {
        sim.await(sim.pool.releaseMetadataSnapshot());
        assertEquals(0, sim.status().heldRoot());
        volume.close();
    }

    @Test
    void volumesCanBeDeletedAndAreReclaimed() throws StorageException {
        volume.close();
        sim.await(sim.pool.deleteVolume("v"));
        sim.await(sim.pool.deleteVolume("s"));
        sim.await(sim.pool.releaseMetadataSnapshot());
        sim.loops.advance(200 * Committer.PERIOD_NANOS);
        assertEquals(0, sim.status().reclaimBlocks());
        assertTrue(sim.status().dataBlocksUsed() < 10, "the catalog's are left");
    }
}

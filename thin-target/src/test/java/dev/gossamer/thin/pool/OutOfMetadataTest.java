package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A pool whose metadata space runs out (rules S-3, S-4, M-2, M-3, W-2, MSG-3, RS-1, RS-3, the row of table 1.4). */
class OutOfMetadataTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L << 20;

    private final SimulatedDisk metadata = new SimulatedDisk(80 * 4096);
    private final SimulatedDisk data = new SimulatedDisk(1000L * BLOCK);
    private final List<ThinVolume> volumes = new ArrayList<>();
    private SimPool sim;

    @BeforeEach
    void fillTheMetadata() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadata, data), 0));
        // Each volume has a leaf of its own.
        for (int i = 0; isRoomForAVolume(i); i++) {
            sim.write(volumes.get(i), 0, ThinPoolTest.bytes(i, 4096));
            assertEquals(Errno.OK, sim.flush(volumes.get(i)));
        }
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "writes, and deletions, take less than a volume");
        for (int block = 8; sim.pool.mode() == PoolMode.WRITE; block++) {
            int errno = sim.write(volumes.get(0), (long) block * BLOCK, ThinPoolTest.bytes(block, 512));
            assertEquals(sim.pool.mode() == PoolMode.WRITE ? Errno.OK : Errno.ENOSPC, errno);
        }
    }

    private boolean isRoomForAVolume(int number) {
        try {
            volumes.add(sim.create("v" + number, VOLUME));
            return true;
        } catch (StorageException e) {
            assertEquals(Errno.ENOSPC, e.errno(), e.getMessage());
            return false;
        }
    }

    @AfterEach
    void nothingIsLeftInUseAndTheMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        sim.close();
        SimPool.assertSound(metadata, "after the test");
    }

    @Test
    void whatWorksOutOfMetadataSpace() throws StorageException {
        assertEquals(PoolMode.OUT_OF_METADATA_SPACE, sim.pool.mode(), "M-2");
        PoolStatus status = sim.status();
        assertEquals("ro", status.mode().word());
        assertTrue(status.modeCause().contains("pool grow --metadata"), status.modeCause());
        assertFalse(status.needsCheck(), "S-4: the commit fitted into the reserve");
        assertTrue(status.space().metadataBlocksFree() < 8, "less than a write may take");
        assertTrue(status.metadataBlocksUsed() <= 80 - 8 + 1, "S-3: the reserve of a tenth is not used up");
        assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.MODE), "M-6");
        assertTrue(sim.pool.eventCount(PoolEvent.Kind.METADATA_LOW) > 0, "W-2");

        ThinVolume first = volumes.get(0);
        assertArrayEquals(ThinPoolTest.bytes(0, 4096), sim.read(first, 0, 4096));
        assertArrayEquals(new byte[512], sim.read(first, 3L * BLOCK, 512));
        assertEquals(Errno.OK, sim.write(first, 0, ThinPoolTest.bytes(7, 4096)), "M-8: in place");
        assertEquals(Errno.ENOSPC, sim.write(first, BLOCK, ThinPoolTest.bytes(1, 512)), "no new block");
        assertEquals(Errno.OK, sim.trim(first, 0, BLOCK), "accepted");
        assertArrayEquals(ThinPoolTest.bytes(7, 4096), sim.read(first, 0, 4096), "without effect");
        assertEquals(Errno.ENOSPC, sim.zero(first, 0, BLOCK, 0), "zeros are a promise");
        assertEquals(Errno.OK, sim.flush(first), "a data flush");
        assertFalse(first.geometry().readOnly(), "M-9: this mode can be left while clients are connected");
        for (var refused : List.of(
                sim.pool.createSnapshot("v0", "s", false), sim.pool.renameVolume("v0", "w"), sim.pool.grow(0, -1))) {
            assertThrows(StorageException.class, () -> sim.await(refused), "MSG-3");
        }
    }

    /** RS-3: after the growth a commit and two deletions succeed. */
    @Test
    void growingTheMetadataLeavesTheModeAndAllWorks() throws StorageException {
        sim.await(sim.pool.grow(-1, 400 * 4096));
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "M-3");
        assertEquals(400, sim.status().metadataBlocks(), "RS-1");
        assertEquals(100, sim.status().space().metadataLowWaterBlocks(), "RS-4");
        assertEquals(Errno.OK, sim.write(volumes.get(0), BLOCK, ThinPoolTest.bytes(1, 512)));
        assertEquals(Errno.OK, sim.flush(volumes.get(0)), "RS-3");
        for (int i = 1; i <= 2; i++) {
            volumes.get(i).close();
            sim.await(sim.pool.deleteVolume("v" + i));
            assertEquals(PoolMode.WRITE, sim.pool.mode(), "RS-3");
        }
        for (int i = 100; i < 150; i++) {
            sim.write(sim.create("w" + i, VOLUME), 0, ThinPoolTest.bytes(i, 512));
        }
        sim.shutDown();
    }

    /** M-3: opened again the pool works, so that deleting can make room. */
    @Test
    void openedAgainItLetsVolumesBeDeleted() throws StorageException {
        for (ThinVolume volume : volumes) {
            volume.close();
        }
        sim.shutDown();
        sim = SimPool.open(metadata, data, 2, 2);
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        for (int i = 0; i < 10; i++) {
            sim.await(sim.pool.deleteVolume("v" + i));
        }
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertTrue(sim.status().space().metadataBlocksFree() > 0);
    }

    @Test
    void resizingToTheSameSizeChangesNothing() throws StorageException {
        long writes = metadata.writes();
        sim.await(sim.pool.grow(-1, 80 * 4096));
        sim.await(sim.pool.grow(-1, 0));
        assertEquals(writes, metadata.writes());
        assertEquals(PoolMode.OUT_OF_METADATA_SPACE, sim.pool.mode());
        StorageException smaller =
                assertThrows(StorageException.class, () -> sim.await(sim.pool.grow(-1, 70 * 4096)), "RS-1");
        assertTrue(smaller.getMessage().contains("only grow"), smaller.getMessage());
    }
}

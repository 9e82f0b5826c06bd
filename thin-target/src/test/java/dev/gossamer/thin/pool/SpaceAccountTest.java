package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpace;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Who has what of the pool's space, and who may have it (rules ST-3, S-6), and the pool's own messages (MSG-1 to
 * MSG-3).
 */
class SpaceAccountTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 256L << 20;

    private final List<Event> events = new ArrayList<>();
    private final SimulatedDisk metadata = new SimulatedDisk(8 << 20);
    private final SimulatedDisk data = new SimulatedDisk(600L * BLOCK);
    private SimPool sim;

    @BeforeEach
    void open() throws StorageException {
        if (sim == null) {
            SimPool.format(metadata, data);
        }
        sim = SimPool.open(new Recorder("metadata", metadata, events), data, 1, 2);
    }

    @AfterEach
    void nothingIsLeftInUseAndTheMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        sim.close();
        SimPool.assertSound(metadata, "after the test");
    }

    private void write(ThinVolume volume, int from, int to) {
        for (int block = from; block < to; block++) {
            assertEquals(Errno.OK, sim.write(volume, (long) block * BLOCK, new byte[512]));
        }
    }

    private void assertSpace(String name, long exclusive, long shared) throws StorageException {
        VolumeSpace space = sim.await(sim.pool.space().of(name));
        assertEquals(exclusive, space.exclusiveBytes() / BLOCK, name + ": exclusive");
        assertEquals(shared, space.sharedBytes() / BLOCK, name + ": shared");
    }

    @Test
    void runsAreThePiecesThatAReaderFindsOnTheDevice() throws StorageException {
        ThinVolume v = sim.create("v", VOLUME);
        ThinVolume w = sim.create("w", VOLUME);
        write(v, 0, 5); // one piece
        for (int i = 10; i < 16; i++) { // six, by turns
            write(v, i, i + 1);
            write(w, i, i + 1);
        }
        VolumeSpace space = sim.await(sim.pool.space().of("v"));
        assertEquals(7, space.runs());
        assertEquals(2, space.leastRuns());
        new JobRig(sim).finish(sim.await(sim.pool.jobs().defragment("v")));
        VolumeSpace after = sim.await(sim.pool.space().of("v"));
        assertTrue(after.runs() <= 2, after.toString());
        assertEquals(2, after.leastRuns());
        write(v, 100, 560);
        assertEquals(3, sim.await(sim.pool.space().of("v")).leastRuns(), "many leaves, in several steps");
        v.close();
        w.close();
    }

    @Test
    void exclusiveSpaceIsWhatDeletingTheVolumeFrees() throws StorageException {
        ThinVolume volume = sim.create("v", VOLUME);
        write(volume, 0, 300);
        assertSpace("v", 300, 0);
        ThinVolume snapshot = sim.snapshot("v", "s");
        assertSpace("v", 0, 300);
        assertSpace("s", 0, 300);
        write(volume, 10, 15);
        write(snapshot, 400, 403);
        assertEquals(Errno.OK, sim.trim(snapshot, 100L * BLOCK, 20L * BLOCK));
        assertSpace("v", 5 + 20, 275);
        assertSpace("s", 5 + 3, 275);

        long used = sim.status().dataBlocksUsed();
        snapshot.close();
        sim.await(sim.pool.deleteVolume("s"));
        sim.loops.advance(10 * Committer.PERIOD_NANOS);
        assertEquals(used - 8, sim.status().dataBlocksUsed(), "ST-3: what was said");
        assertSpace("v", 300, 0);
    }

    @Test
    void countingCostsWhatTheVolumeHasForItself() throws StorageException {
        ThinVolume volume = sim.create("v", VOLUME);
        write(volume, 0, 500);
        sim.snapshot("v", "s").close();
        volume.close();
        sim.shutDown();
        open();
        events.clear();
        assertSpace("v", 0, 500);
        assertTrue(events.size() <= 6, "a shared tree is not walked: " + events.size() + " metadata blocks read");
        StorageException unknown = assertThrows(
                StorageException.class, () -> sim.await(sim.pool.space().of("nope")));
        assertEquals(Errno.ENOENT, unknown.errno());
    }

    @Test
    void aLimitStopsThatVolumeOnly() throws StorageException {
        ThinVolume limited = sim.create("limited", VOLUME);
        ThinVolume other = sim.create("other", VOLUME);
        sim.await(sim.pool.limitVolume("limited", new VolumeLimits(10L * BLOCK, 0, null)));
        write(limited, 0, 10);
        assertEquals(Errno.ENOSPC, sim.write(limited, 10L * BLOCK, new byte[512]), "S-6");
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "S-6: the pool is not full");
        write(other, 0, 20);
        write(limited, 0, 10);
        sim.snapshot("limited", "s").close();
        write(limited, 0, 10);
        assertEquals(Errno.OK, sim.trim(limited, 0, BLOCK));
        write(limited, 10, 11);
        assertEquals(Errno.ENOSPC, sim.write(limited, 0, new byte[512]));

        limited.close();
        other.close();
        sim.shutDown();
        open();
        assertEquals(10L * BLOCK, sim.pool.volume("limited").limits().limitBytes(), "kept in the catalog");
        assertEquals(Errno.ENOSPC, sim.write(sim.pool.openVolume("limited"), 0, new byte[512]));
        sim.await(sim.pool.limitVolume("limited", VolumeLimits.NONE));
        assertEquals(Errno.OK, sim.write(sim.pool.openVolume("limited"), 0, new byte[512]));
    }

    @Test
    void aReservationIsThereWhenOthersHaveTakenTheRest() throws StorageException {
        sim.await(sim.pool.createVolume(new VolumeSpec("safe", VOLUME, new VolumeLimits(0, 50L * BLOCK, null))));
        ThinVolume safe = sim.pool.openVolume("safe");
        ThinVolume greedy = sim.create("greedy", VOLUME);
        write(safe, 0, 20);
        assertEquals(30, sim.status().space().dataBlocksReserved());
        int taken = 0;
        while (sim.write(greedy, (long) taken * BLOCK, new byte[512]) == Errno.OK) {
            taken++;
        }
        assertEquals(30, sim.status().space().dataBlocksFree(), "S-6");
        assertTrue(sim.status().modeCause().contains("reserved"), sim.status().modeCause());
        write(safe, 20, 50);
        assertEquals(Errno.ENOSPC, sim.write(safe, 50L * BLOCK, new byte[512]), "beyond its reservation as others");

        StorageException refused = assertThrows(
                StorageException.class,
                () -> sim.await(sim.pool.limitVolume("greedy", new VolumeLimits(0, 599L * BLOCK, null))));
        assertEquals(Errno.ENOSPC, refused.errno(), "what is not free cannot be promised");
        assertThrows(
                StorageException.class,
                () -> sim.await(sim.pool.limitVolume("greedy", new VolumeLimits(BLOCK, 2L * BLOCK, OnFull.QUEUE))));
    }

    @Test
    void theTransactionIdIsComparedAndSwapped() throws StorageException {
        assertEquals(0, sim.status().transactionId(), "1.6: initially 0");
        sim.await(sim.pool.setTransactionId(0, 7));
        StorageException refused =
                assertThrows(StorageException.class, () -> sim.await(sim.pool.setTransactionId(0, 8)));
        assertEquals(Errno.EINVAL, refused.errno(), "1.6");
        assertEquals(7, sim.status().transactionId(), "MSG-1: nothing changed");
        sim.close();
        open();
        assertEquals(7, sim.status().transactionId(), "MSG-2: committed before the reply");
    }

    @Test
    void aMetadataSnapshotPinsTheMappingsUntilItIsReleased() throws StorageException {
        ThinVolume volume = sim.create("v", VOLUME);
        write(volume, 0, 40);
        assertThrows(StorageException.class, () -> sim.await(sim.pool.releaseMetadataSnapshot()), "1.6: none held");
        long held = sim.await(sim.pool.reserveMetadataSnapshot());
        assertEquals(held, sim.status().heldRoot());
        StorageException again =
                assertThrows(StorageException.class, () -> sim.await(sim.pool.reserveMetadataSnapshot()));
        assertEquals(Errno.EBUSY, again.errno(), "1.6");
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "a refused message aborts nothing");
        long used = sim.status().dataBlocksUsed();
        assertSpace("v", 0, 40);
        volume.close();
        sim.await(sim.pool.deleteVolume("v"));
        sim.loops.advance(10 * Committer.PERIOD_NANOS);
        assertEquals(used, sim.status().dataBlocksUsed(), "what is held is not freed");
        sim.shutDown();
        SimPool.assertSound(metadata, "with a metadata snapshot");

        open();
        assertEquals(held, sim.status().heldRoot(), "kept over reopening");
        sim.await(sim.pool.releaseMetadataSnapshot());
        assertEquals(used - 40, sim.status().dataBlocksUsed());
        // MSG-5: the same id again and again.
        for (int i = 0; i < 5; i++) {
            sim.create("again", VOLUME).close();
            sim.await(sim.pool.deleteVolume("again"));
        }
    }
}

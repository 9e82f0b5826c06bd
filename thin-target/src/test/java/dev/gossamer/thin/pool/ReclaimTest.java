package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.space.Reclaimer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Deleting a large volume costs its caller one transaction; the rest happens later, in small steps (MSG-8). */
class ReclaimTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MAPPED = 3500;
    private static final int DATA_BLOCKS = 4000;
    private static final int CATALOG = VoidDisk.CATALOG_BLOCKS;
    private static final long VOLUME = (long) DATA_BLOCKS * BLOCK;

    private final List<Event> events = new ArrayList<>();
    private final PowerSupply power = new PowerSupply();
    private SimulatedDisk metadata = new SimulatedDisk(4 << 20, 512, power);
    private VoidDisk data = new VoidDisk(VOLUME);
    private final FaultPlan faults = new FaultPlan();
    private SimPool sim;

    private void open() throws StorageException {
        sim = SimPool.open(
                new Recorder("metadata", new FaultyDevice(metadata, faults), events),
                new Recorder("data", data, events),
                1,
                2);
    }

    /** A pool with a volume "big" of its own blocks, closed. */
    private void prepare() throws StorageException {
        SimPool.format(metadata, data);
        open();
        ThinVolume big = sim.create("big", VOLUME);
        fill(big, 0, MAPPED);
        big.close();
        sim.await(sim.pool.createVolume(new VolumeSpec("other", VOLUME)));
        events.clear();
    }

    private void fill(ThinVolume volume, int from, int count) {
        for (int i = from; i < from + count; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, new byte[512]));
        }
    }

    private void reclaimAll() {
        sim.loops.advance(100 * Committer.PERIOD_NANOS);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.close();
        SimPool.assertSound(metadata, "after the test");
    }

    @Test
    void msg8TheNameIsFreeAtOnceAndTheBlocksComeBackInTheBackground() throws StorageException {
        prepare();
        final long commits = sim.pool.counters().commits.sum();
        final int volumes = sim.pool.volumes().size();
        sim.await(sim.pool.deleteVolume("big"));
        assertEquals(commits + 1, sim.pool.counters().commits.sum(), "one transaction");
        assertNull(sim.pool.openVolume("big"));
        assertEquals(volumes - 1, sim.pool.volumes().size(), "what is left is hidden");
        PoolStatus status = sim.status();
        assertEquals(MAPPED, status.reclaimBlocks());
        assertEquals(1, status.reclaimVolumes());
        assertEquals(volumes - 1, status.volumes());

        VolumeInfo again = sim.await(sim.pool.createVolume(new VolumeSpec("big", VOLUME)));
        assertEquals(0, again.id(), "MSG-5: the id can be used again, too");
        assertEquals(0, again.mappedBytes());
        reclaimAll();
        status = sim.status();
        assertEquals(0, status.reclaimBlocks() + status.reclaimVolumes());
        assertEquals(CATALOG, status.dataBlocksUsed());
        assertEquals(MAPPED, sim.pool.counters().discardedBlocks.sum(), "DI-12");
        assertNotNull(sim.pool.openVolume("big"));
    }

    @Test
    void msg8EachStepIsBoundedAndClientsAreServedInBetween() throws StorageException {
        prepare();
        ThinVolume other = sim.pool.openVolume("other");
        sim.await(sim.pool.deleteVolume("big"));
        long left = MAPPED;
        int steps = 0;
        while (left > 0) {
            events.clear();
            sim.loops.advance(Reclaimer.PAUSE_NANOS);
            long now = sim.status().reclaimBlocks();
            assertTrue(left - now <= Reclaimer.STEP_MAPPINGS, "a step took " + (left - now) + " mappings");
            assertTrue(events.size() < 60, "a step touched " + events.size() + " blocks");
            assertEquals(Errno.OK, sim.write(other, (long) steps * BLOCK, new byte[512]), "served between two steps");
            left = now;
            steps++;
        }
        assertTrue(steps >= MAPPED / Reclaimer.STEP_MAPPINGS, steps + " steps");
    }

    @Test
    void aVolumeWhoseBlocksAreAllSharedGoesAtOnce() throws StorageException {
        prepare();
        sim.await(sim.pool.createSnapshot("big", "snap", false));
        events.clear();
        sim.await(sim.pool.deleteVolume("big"));
        assertEquals(0, sim.status().reclaimBlocks());
        long touched =
                events.stream().filter(e -> e.device().equals("metadata")).count();
        assertTrue(touched < 40, "dropping a shared root touched " + touched + " blocks");
        assertEquals((long) MAPPED * BLOCK, sim.pool.volume("snap").mappedBytes());
        assertEquals(MAPPED + CATALOG, sim.status().dataBlocksUsed());
    }

    @Test
    void aVolumePartlySharedLosesWhatItAloneHas() throws StorageException {
        prepare();
        sim.await(sim.pool.createSnapshot("big", "snap", false));
        ThinVolume big = sim.pool.openVolume("big");
        fill(big, 100, 50);
        big.close();
        assertEquals(MAPPED + 50 + CATALOG, sim.status().dataBlocksUsed());
        sim.await(sim.pool.deleteVolume("big"));
        reclaimAll();
        assertEquals(MAPPED + CATALOG, sim.status().dataBlocksUsed());
        assertEquals(50, sim.pool.counters().discardedBlocks.sum(), "DI-7: what the snapshot shares stays");
    }

    @Test
    void aReopenedPoolGoesOnReclaiming() throws StorageException {
        prepare();
        sim.await(sim.pool.deleteVolume("big"));
        sim.loops.advanceToNextTimer();
        sim.shutDown();
        SimPool.assertSound(metadata, "closed in the middle");
        open();
        long left = sim.status().reclaimBlocks();
        assertTrue(left > 0 && left < MAPPED, left + " left");
        assertNull(sim.pool.openVolume("big"));
        assertEquals(1, sim.pool.volumes().size());
        reclaimAll();
        assertEquals(0, sim.status().reclaimBlocks());
        assertEquals(CATALOG, sim.status().dataBlocksUsed());
    }

    @Test
    void aWriteThatNeedsSpaceHasItReclaimedWithoutPauses() throws StorageException {
        prepare();
        ThinVolume other = sim.pool.openVolume("other");
        int free = (int) (sim.status().dataBlocks() - sim.status().dataBlocksUsed());
        fill(other, 0, free);
        sim.await(sim.pool.deleteVolume("big"));
        // No timer fires here.
        assertEquals(Errno.OK, sim.write(other, (long) free * BLOCK, new byte[512]));
        assertTrue(sim.status().reclaimBlocks() < MAPPED);
        assertEquals(PoolMode.WRITE, sim.pool.mode());
    }

    @Test
    void deleteAfterOutOfSpaceMakesThePoolWritable() throws StorageException {
        prepare();
        ThinVolume other = sim.pool.openVolume("other");
        int free = (int) (sim.status().dataBlocks() - sim.status().dataBlocksUsed());
        fill(other, 0, free);
        sim.start(0, other, BlockOperation.WRITE, (long) free * BLOCK, 512, 0, new byte[512]);
        sim.loops.runUntilIdle();
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
        sim.await(sim.pool.deleteVolume("big"));
        reclaimAll();
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertEquals(Errno.OK, sim.write(other, (long) (free + 1) * BLOCK, new byte[512]));
    }

    @Test
    void afterAFailedCommitWhatWasReclaimedIsPendingAgain() throws StorageException {
        prepare();
        sim.await(sim.pool.deleteVolume("big"));
        for (int i = 0; i < 4; i++) {
            sim.loops.advance(Reclaimer.PAUSE_NANOS);
        }
        assertEquals(0, sim.status().reclaimBlocks(), "all reclaimed, nothing committed");
        faults.fail(BlockOperation.FLUSH, 1, Errno.EIO);
        sim.loops.advance(Committer.PERIOD_NANOS);
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertEquals(MAPPED, sim.status().reclaimBlocks());
        sim.loops.advance(10 * Committer.PERIOD_NANOS);
        assertEquals(MAPPED, sim.status().reclaimBlocks(), "nothing is reclaimed in a frozen pool");
    }

    @Test
    void createDeleteCyclesLeaveNothingBehind() throws StorageException {
        prepare();
        for (int i = 0; i < 100; i++) {
            ThinVolume volume = sim.create("cycle", VOLUME);
            fill(volume, 0, 3);
            volume.close();
            sim.await(sim.pool.deleteVolume("cycle"));
        }
        assertEquals(MAPPED + CATALOG, sim.status().dataBlocksUsed());
    }

    /** Power fails after every single operation on the metadata while a volume is deleted and reclaimed. */
    @Test
    void i6AtEveryCutTheVolumeIsThereOrGoneAndReclaimingGoesOn() throws StorageException {
        prepare();
        sim.shutDown();
        final SimulatedDisk prepared = metadata;
        final VoidDisk preparedData = data;
        long cut = 0;
        boolean finished = false;
        int resumed = 0;
        while (!finished) {
            PowerSupply supply = new PowerSupply();
            metadata = prepared.copy(supply);
            data = preparedData.copy();
            open();
            supply.cutAfter(cut);
            boolean answered = deleteAndReclaim();
            finished = supply.isOn();
            sim.close();
            metadata.crash(Seeds.splittable(cut));
            String where = "cut after operation " + cut;
            SimPool.assertSound(metadata, where);
            open();
            boolean there = sim.pool.volume("big") != null;
            assertTrue(!there || !answered, where + ": an answered deletion is undone");
            PoolStatus status = sim.status();
            if (there) {
                assertEquals((long) MAPPED * BLOCK, sim.pool.volume("big").mappedBytes(), where);
                assertEquals(0, status.reclaimBlocks(), where);
            } else {
                assertEquals(status.reclaimBlocks() + CATALOG, status.dataBlocksUsed(), where + ": no block is lost");
                resumed += status.reclaimBlocks() > 0 ? 1 : 0;
                reclaimAll();
                assertEquals(CATALOG, sim.status().dataBlocksUsed(), where);
            }
            sim.shutDown();
            SimPool.assertSound(metadata, where + ", after going on");
            cut++;
        }
        assertTrue(cut >= 20 && resumed > 5, cut + " cuts, " + resumed + " in the middle of reclaiming");
    }

    private boolean deleteAndReclaim() {
        boolean answered = false;
        try {
            sim.await(sim.pool.deleteVolume("big"));
            answered = true;
            for (int i = 0; i < 4; i++) {
                sim.loops.advance(Reclaimer.PAUSE_NANOS);
                // Each of these commits, and so a step of the reclaimer.
                sim.await(sim.pool.createVolume(new VolumeSpec("v" + i, VOLUME)));
            }
        } catch (StorageException e) {
            // The power is off.
        }
        return answered;
    }
}

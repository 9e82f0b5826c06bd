package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.space.Reclaimer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Letting go of the metadata snapshot, whatever it alone has, is one short transaction and the reclaimer's steps. */
class SnapshotReleaseTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MAPPED = 6000;
    private static final int CATALOG = VoidDisk.CATALOG_BLOCKS;
    private static final long VOLUME = 2L * MAPPED * BLOCK;

    @TempDir
    private Path directory;

    private SimulatedDisk metadata = new SimulatedDisk(4 << 20, 512, new PowerSupply());
    private VoidDisk data = new VoidDisk(4L * VOLUME);
    private SimPool sim;

    private void open() throws StorageException {
        sim = SimPool.open(metadata, data, 1, 2);
    }

    private void fill(String name, int from, int count) throws StorageException {
        ThinVolume volume = sim.pool.openVolume(name);
        for (int i = from; i < from + count; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, new byte[512]));
        }
        assertEquals(Errno.OK, sim.flush(volume));
        volume.close();
    }

    private void fresh(String... names) throws StorageException {
        SimPool.format(metadata, data);
        open();
        for (String name : names) {
            sim.create(name, VOLUME).close();
        }
    }

    private void reclaimAll() {
        sim.loops.advance(200 * Committer.PERIOD_NANOS);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        sim.close();
        SimPool.assertSound(metadata, "after the test");
    }

    @Test
    void whatOnlyTheSnapshotHasIsReclaimedInSteps() throws StorageException {
        fresh("big", "other");
        fill("big", 0, MAPPED);
        sim.await(sim.pool.reserveMetadataSnapshot());
        sim.await(sim.pool.deleteVolume("big"));
        reclaimAll();
        assertEquals(MAPPED + CATALOG, sim.status().dataBlocksUsed(), "the snapshot has them");

        long before = sim.pool.metadataVisits();
        sim.await(sim.pool.releaseMetadataSnapshot());
        long visits = sim.pool.metadataVisits() - before;
        assertTrue(visits < 400, "the answer took " + visits + " looks at metadata blocks");
        assertEquals(0, sim.status().heldRoot());
        assertEquals(MAPPED, sim.status().reclaimBlocks(), "MSG-8: the rest is the reclaimer's");
        assertEquals(1, sim.pool.volumes().size(), "and is no volume");
        long left = MAPPED;
        while (left > 0) {
            sim.loops.advance(Reclaimer.PAUSE_NANOS);
            long now = sim.status().reclaimBlocks();
            assertTrue(left - now <= Reclaimer.STEP_MAPPINGS, "a step took " + (left - now) + " mappings");
            fill("other", (int) (left % 100), 1);
            left = now;
        }
        reclaimAll();
        assertTrue(sim.status().dataBlocksUsed() <= CATALOG + 100);
        assertThrows(StorageException.class, () -> sim.await(sim.pool.releaseMetadataSnapshot()), "none is held");
        sim.await(sim.pool.reserveMetadataSnapshot());
        sim.await(sim.pool.releaseMetadataSnapshot());
    }

    /** All references to the tree are the snapshot's: no count says that the last one is dropped. */
    @Test
    void treesThatOnlyVolumesInTheSnapshotShareAreNotDroppedAtOnce() throws StorageException {
        fresh("v");
        fill("v", 0, MAPPED);
        sim.snapshot("v", "s").close();
        sim.snapshot("v", "t").close();
        fill("t", 0, 1);
        sim.await(sim.pool.reserveMetadataSnapshot());
        for (String name : new String[] {"v", "s", "t"}) {
            sim.await(sim.pool.deleteVolume(name));
        }
        reclaimAll();
        long before = sim.pool.metadataVisits();
        sim.await(sim.pool.releaseMetadataSnapshot());
        long visits = sim.pool.metadataVisits() - before;
        assertTrue(visits < 500, "the answer took " + visits + " looks at metadata blocks");
        assertTrue(sim.status().reclaimBlocks() >= MAPPED, sim.status().reclaimBlocks() + " to be reclaimed");
        reclaimAll();
        assertEquals(0, sim.status().reclaimVolumes());
        assertEquals(CATALOG, sim.status().dataBlocksUsed());
    }

    /** Many volumes, all changed: some steps, with writes and another's messages in between. */
    @Test
    void writesAndMessagesGoOnWhileTheSnapshotIsLetGoOf() throws StorageException {
        metadata = new SimulatedDisk(16 << 20, 512, new PowerSupply());
        fresh();
        int volumes = 200;
        for (int i = 0; i < volumes; i++) {
            sim.create("v" + i, VOLUME).close();
            fill("v" + i, 0, 20);
        }
        sim.await(sim.pool.reserveMetadataSnapshot());
        for (int i = 0; i < volumes; i += 2) {
            fill("v" + i, 20, 5);
        }
        CompletableFuture<Void> released = sim.pool.releaseMetadataSnapshot();
        int turns = 0;
        for (; !released.isDone() && turns < 10_000; turns++) {
            sim.loops.advance(0);
            if (turns % 3 == 0) {
                CompletableFuture<?> again = sim.pool.releaseMetadataSnapshot();
                fill("v" + (1 + 2 * turns) % volumes, 20, 5);
                assertTrue(again.isCompletedExceptionally() || released.isDone(), "two at once");
            }
        }
        sim.await(released);
        assertEquals(0, sim.status().heldRoot());
        reclaimAll();
        assertEquals(0, sim.status().reclaimVolumes());
        assertEquals(volumes, sim.pool.volumes().size());
        long used = sim.status().dataBlocksUsed();
        assertTrue(used >= volumes * 20L && used <= volumes * 25L + 10, used + " blocks in use");
    }

    /** Power fails after every single operation on the metadata: the snapshot is whole or gone, and nothing leaks. */
    @Test
    void atEveryCutTheSnapshotIsWholeOrGoneAndReclaimingGoesOn() throws Exception {
        fresh("big", "kept", "other");
        fill("big", 0, MAPPED / 2);
        fill("kept", 0, 100);
        sim.await(sim.pool.reserveMetadataSnapshot());
        sim.await(sim.pool.deleteVolume("big"));
        fill("kept", 50, 100);
        reclaimAll();
        sim.shutDown();
        final SimulatedDisk prepared = metadata;
        final VoidDisk preparedData = data;
        boolean finished = false;
        int whole = 0;
        int resumed = 0;
        int cut = 0;
        for (; !finished; cut++) {
            String where = "cut after operation " + cut;
            PowerSupply supply = new PowerSupply();
            metadata = prepared.copy(supply);
            data = preparedData.copy();
            open();
            supply.cutAfter(cut);
            boolean answered = releaseAndReclaim();
            finished = supply.isOn();
            sim.close();
            metadata.crash(Seeds.splittable(cut));
            supply.restore();
            SimPool.assertSound(metadata, where);
            ThinCheck.assertAccepts(metadata, directory, where);
            open();
            boolean held = sim.status().heldRoot() != 0;
            assertFalse(held && answered, where + ": an answered release is undone");
            if (held) {
                whole++;
                reclaimAll();
                assertEquals(MAPPED / 2 + 150 + CATALOG, sim.status().dataBlocksUsed(), where + ": not whole");
                sim.await(sim.pool.releaseMetadataSnapshot());
            } else {
                resumed += sim.status().reclaimBlocks() > 0 ? 1 : 0;
            }
            reclaimAll();
            assertEquals(150 + CATALOG, sim.status().dataBlocksUsed(), where + ": a block is lost");
            sim.shutDown();
            SimPool.assertSound(metadata, where + ", after going on");
        }
        assertTrue(whole >= 4 && resumed > 5, cut + " cuts: " + whole + " times held, " + resumed + " reclaiming");
        open();
    }

    private boolean releaseAndReclaim() {
        try {
            sim.await(sim.pool.releaseMetadataSnapshot());
        } catch (StorageException | AssertionError e) {
            return false; // the power is off
        }
        try {
            for (int i = 0; i < 4; i++) {
                sim.loops.advance(Reclaimer.PAUSE_NANOS);
                sim.await(sim.pool.createVolume(new VolumeSpec("v" + i, VOLUME)));
            }
        } catch (StorageException | AssertionError e) {
            // The power is off.
        }
        return true;
    }

    /** The damage is the snapshot's alone: who lets go of it is told, and nothing is aborted. */
    @Test
    void aDamagedSnapshotIsToldAndThePoolGoesOn() throws StorageException {
        fresh("v", "w");
        fill("v", 0, 1000);
        sim.await(sim.pool.reserveMetadataSnapshot());
        fill("v", 1000, 10);
        long held = sim.status().heldRoot();
        sim.shutDown();
        long heldMappings = new ForgedMetadata(metadata).block(held).getLong(ForgedMetadata.MAPPING_ROOT);
        byte[] garbage = new byte[4096];
        garbage[100] = 1;
        metadata.writeNow(heldMappings * 4096, garbage);
        open();
        StorageException e = assertThrows(StorageException.class, () -> sim.await(sim.pool.releaseMetadataSnapshot()));
        assertTrue(e.getMessage().contains("metadata block " + heldMappings), e.getMessage());
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertFalse(sim.status().needsCheck());
        assertNotEquals(0, sim.status().heldRoot());
        fill("w", 0, 10);
        sim.shutDown();
        // As it was, for the check at the end.
        metadata = new SimulatedDisk(4 << 20, 512, new PowerSupply());
        fresh();
    }
}

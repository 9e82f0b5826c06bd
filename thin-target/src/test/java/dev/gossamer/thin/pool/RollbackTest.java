package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Rollback in place (S-M8): contents and size change hands in one transaction, and what was there is kept. */
class RollbackTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 8L * BLOCK;
    private static final long GROWN = 10L * BLOCK;

    private final PowerSupply power = new PowerSupply();
    private SimulatedDisk metadata = new SimulatedDisk(1 << 20, 512, power);
    private SimulatedDisk data = new SimulatedDisk(64L * BLOCK, 512, power);
    private SimPool sim;

    private final byte[] snapshotted = ThinPoolTest.bytes(1, (int) VOLUME);
    private final byte[] replaced = ThinPoolTest.bytes(2, (int) GROWN);

    /** Volume v with its snapshot s, grown and wholly rewritten since, closed. */
    private void prepare() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2);
        ThinVolume volume = sim.create("v", VOLUME);
        sim.write(volume, 0, snapshotted);
        sim.snapshot("v", "s").close();
        sim.await(sim.pool.resizeVolume("v", GROWN, false));
        sim.write(volume, 0, replaced);
        assertEquals(Errno.OK, sim.flush(volume));
        volume.close();
    }

    private byte[] read(String name, long length) {
        ThinVolume volume = sim.pool.openVolume(name);
        byte[] bytes = sim.read(volume, 0, (int) length);
        volume.close();
        return bytes;
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        if (sim != null) {
            assertEquals(0, sim.inUse());
            sim.close();
            SimPool.assertSound(metadata, "after the test");
        }
    }

    @Test
    void theVolumeHasTheSnapshotsContentsAndSizeAndTheReplacedOnesAreKept() throws StorageException {
        prepare();
        long used = sim.status().dataBlocksUsed();
        VolumeInfo kept = sim.await(sim.pool.rollBack("v", "s", "before"));
        assertEquals("before", kept.name());
        assertEquals(sim.pool.volume("v").id(), kept.originId());
        assertEquals(VOLUME, sim.pool.volume("v").sizeBytes());
        assertEquals(VOLUME, sim.pool.volume("v").mappedBytes(), "D-9");
        assertEquals(GROWN, kept.sizeBytes());
        assertEquals(GROWN, kept.mappedBytes(), "D-9");
        assertEquals(used, sim.status().dataBlocksUsed(), "nothing is copied");
        for (int round = 0; round < 2; round++) {
            assertArrayEquals(snapshotted, read("v", VOLUME));
            assertArrayEquals(snapshotted, read("s", VOLUME));
            assertArrayEquals(replaced, read("before", GROWN));
            sim.shutDown();
            sim = SimPool.open(metadata, data, 2, 2);
        }
    }

    @Test
    void afterwardsEachGoesItsOwnWay() throws StorageException {
        prepare();
        sim.await(sim.pool.rollBack("v", "s", null));
        assertNotNull(sim.pool.volume("v-replaced-1"), "a name is made up");
        ThinVolume volume = sim.pool.openVolume("v");
        ThinVolume kept = sim.pool.openVolume("v-replaced-1");
        sim.write(volume, 0, ThinPoolTest.bytes(3, 512));
        sim.write(kept, BLOCK, ThinPoolTest.bytes(4, 512));
        byte[] model = snapshotted.clone();
        assertArrayEquals(model, read("s", VOLUME), "G-7a: what the volume writes now is not the snapshot's");
        System.arraycopy(ThinPoolTest.bytes(3, 512), 0, model, 0, 512);
        assertArrayEquals(model, sim.read(volume, 0, (int) VOLUME));
        byte[] other = replaced.clone();
        System.arraycopy(ThinPoolTest.bytes(4, 512), 0, other, BLOCK, 512);
        assertArrayEquals(other, sim.read(kept, 0, (int) GROWN));
        volume.close();
        sim.await(sim.pool.rollBack("v", "v-replaced-1", null));
        assertArrayEquals(other, read("v", GROWN), "and back again");
        assertNotNull(sim.pool.volume("v-replaced-2"));
    }

    @Test
    void aSnapshotInUseIsTakenAsItIsAtThatMoment() throws StorageException {
        prepare();
        ThinVolume snapshot = sim.pool.openVolume("s");
        sim.write(snapshot, 0, ThinPoolTest.bytes(5, 512));
        sim.await(sim.pool.rollBack("v", "s", null));
        sim.write(snapshot, 512, ThinPoolTest.bytes(6, 512));
        byte[] found = read("v", 1024);
        assertArrayEquals(ThinPoolTest.bytes(5, 512), Arrays.copyOf(found, 512));
        assertArrayEquals(
                Arrays.copyOfRange(snapshotted, 512, 1024),
                Arrays.copyOfRange(found, 512, 1024),
                "EM-6: it breaks sharing");
    }

    @Test
    void whatCannotBeIsRefusedAndChangesNothing() throws StorageException {
        prepare();
        sim.create("other", VOLUME).close();
        sim.await(sim.pool.createSnapshots(java.util.List.of(new SnapshotSpec("v", "r", true))));
        ThinVolume open = sim.pool.openVolume("v");
        assertRefused("in use by 1 connection", "v", "s", null);
        open.close();
        assertRefused("no snapshot of v", "v", "other", null);
        assertRefused("no snapshot of v", "v", "v", null);
        assertRefused("exists already", "v", "s", "other");
        assertRefused("there is no volume 'x'", "v", "x", null);
        assertRefused("there is no volume 'x'", "x", "s", null);
        assertRefused("is read-only", "r", "v", null);
        assertRefused("not usable", "v", "s", ".hidden");
        assertArrayEquals(replaced, read("v", GROWN));
        assertEquals(4, sim.pool.volumes().size());
    }

    private void assertRefused(String why, String volume, String source, String keepAs) {
        StorageException e =
                assertThrows(StorageException.class, () -> sim.await(sim.pool.rollBack(volume, source, keepAs)));
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }

    @Test
    void aPowerCutAnywhereLeavesAllOfItOrNothing() throws StorageException {
        prepare();
        sim.close();
        SimulatedDisk metadataBefore = metadata.copy(power);
        SimulatedDisk dataBefore = data.copy(power);
        long operations = cut(Long.MAX_VALUE, 0, metadataBefore, dataBefore);
        assertTrue(operations > 6, "only " + operations);
        for (long cut = 0; cut < operations; cut++) {
            for (long seed = 1; seed <= 4; seed++) {
                cut(cut, seed, metadataBefore, dataBefore);
            }
        }
    }

    private long cut(long cut, long seed, SimulatedDisk metadataBefore, SimulatedDisk dataBefore)
            throws StorageException {
        String where = "cut after " + cut + ", seed " + seed;
        PowerSupply supply = new PowerSupply();
        metadata = metadataBefore.copy(supply);
        data = dataBefore.copy(supply);
        sim = SimPool.open(metadata, data, 1, 2);
        if (cut != Long.MAX_VALUE) {
            supply.cutAfter(cut);
        }
        boolean answered = true;
        try {
            sim.await(sim.pool.rollBack("v", "s", "kept"));
        } catch (StorageException e) {
            answered = false;
        }
        long operations = supply.operations();
        sim.close();
        SplittableRandom random = Seeds.splittable(seed * 1000 + cut);
        metadata.crash(random);
        data.crash(random);
        supply.restore();

        SimPool.assertSound(metadata, where);
        sim = SimPool.open(metadata, data, seed, 1);
        boolean done = sim.pool.volume("kept") != null;
        assertTrue(done || !answered, where + ": the answer was a lie");
        assertEquals(done ? VOLUME : GROWN, sim.pool.volume("v").sizeBytes(), where);
        assertArrayEquals(done ? snapshotted : replaced, read("v", done ? VOLUME : GROWN), where);
        assertArrayEquals(snapshotted, read("s", VOLUME), where);
        if (done) {
            assertArrayEquals(replaced, read("kept", GROWN), where);
        }
        // The catalog goes on: a slot written next must not hit the half in force.
        sim.await(sim.pool.renameVolume("v", "w"));
        ThinVolume renamed = sim.pool.openVolume("w");
        assertEquals(Errno.OK, sim.write(renamed, 0, ThinPoolTest.bytes(9, 512), BlockRequest.FUA));
        renamed.close();
        sim.close();
        sim = SimPool.open(metadata, data, seed, 1);
        assertEquals(done ? VOLUME : GROWN, sim.pool.volume("w").sizeBytes(), where);
        assertNull(sim.pool.volume("v"), where);
        return operations;
    }
}

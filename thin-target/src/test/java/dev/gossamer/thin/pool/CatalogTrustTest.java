package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.UnmarkedCatalog;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.OldCatalog;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * The catalog is known by what only metadata can hold, and what it says is in force with the commit it was written for:
 * not what a guest writes, and not what a power cut has undone.
 */
class CatalogTrustTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long SMALL = 8L * BLOCK;
    private static final long LARGE = 10L * BLOCK;

    /** The slot of a catalog itself lies so far out: the last KiB of 16 GiB. */
    private static final long LAST_BLOCK = (long) Catalog.PREFERRED_ID * 1024 / BLOCK;

    private final PowerSupply supply = new PowerSupply();
    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20, 512, supply);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK, 512, supply);

    /** A pool of another program with three devices; the user of device 1 has filled it with slots of a catalog. */
    @Test
    void whatAGuestWritesIsNoCatalog() throws StorageException {
        for (int guest : new int[] {1, 2, 0xFFFFFE}) {
            foreignPool(guest);
            try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
                assertNull(sim.pool.volume("mallory"), "device " + guest);
                ThinVolume victim = sim.pool.openVolume("thin-0");
                assertEquals('A', sim.read(victim, BLOCK, 512)[0]);
                victim.close();
                // The first name makes a catalog of the pool's own.
                sim.await(sim.pool.renameVolume("thin-0", "named"));
                ThinVolume its = sim.pool.openVolume("thin-" + guest);
                assertArrayEquals(forgedBlock(guest), sim.read(its, 0, BLOCK), "nothing was written there");
                its.close();
                sim.shutDown();
            }
            try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
                assertNotNull(sim.pool.volume("named"));
                assertEquals(3, sim.pool.volumes().size(), "the catalog is not one of them");
                sim.shutDown();
            }
        }
    }

    private void foreignPool(int guest) throws StorageException {
        metadata.writeNow(0, new byte[1 << 20]);
        SimPool.format(metadata, data);
        try (IoBufferPool buffers = new IoBufferPool(1 << 23)) {
            BlockingIo io = new BlockingIo(metadata, new InlineLoop(null, buffers));
            try (PoolMetadata pool = PoolMetadata.open(io, data, 256)) {
                int[] ids = {0, guest == 1 ? 2 : 1, guest};
                Arrays.sort(ids);
                for (int id : ids) {
                    pool.life().createDevice(id);
                    for (int b = 0; b < 4; b++) {
                        long block = pool.reserveDataBlock();
                        pool.insert(id, b, block);
                        byte[] bytes = new byte[BLOCK];
                        Arrays.fill(bytes, (byte) (id == 0 ? 'A' : 'x'));
                        data.writeNow(block * BLOCK, id == guest && b == 0 ? forgedBlock(guest) : bytes);
                    }
                }
                if (guest == Catalog.PREFERRED_ID) {
                    long block = pool.reserveDataBlock();
                    pool.insert(guest, LAST_BLOCK, block);
                    byte[] bytes = new byte[BLOCK];
                    OldCatalog.putSlot(bytes, BLOCK - 1024, guest, true, 4L * BLOCK, "");
                    data.writeNow(block * BLOCK, bytes);
                }
                pool.writer().writeNow(pool.freeze(), data);
                pool.committed();
            }
        }
    }

    private static byte[] forgedBlock(int guest) {
        byte[] bytes = new byte[BLOCK];
        OldCatalog.putSlot(bytes, 0, false, 4L * BLOCK, "mallory");
        OldCatalog.putSlot(bytes, guest % 64, true, 4L * BLOCK, "");
        return bytes;
    }

    /** The catalog of an earlier version has no mark: it is believed, and marked with the first change. */
    @Test
    void aCatalogWithoutAMarkIsTakenOverWithAllItSays() throws StorageException {
        oldPool();
        byte[] before = metadata.readNow(0, 4096);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertEquals(LARGE, sim.pool.volume("v").sizeBytes());
            assertEquals(SMALL, sim.pool.volume("s").sizeBytes());
            sim.shutDown();
        }
        assertArrayEquals(before, metadata.readNow(0, 4096), "looking at a pool writes nothing");
        for (int cut = 0; cut < 12; cut++) {
            SimulatedDisk metadataCopy = metadata.copy(supply);
            SimulatedDisk dataCopy = data.copy(supply);
            SimPool sim = SimPool.open(metadataCopy, dataCopy, 1, 1);
            supply.cutAfter(cut);
            boolean answered = answered(sim, sim.pool.renameVolume("s", "t"));
            sim.close();
            metadataCopy.crash(Seeds.splittable(cut));
            dataCopy.crash(Seeds.splittable(cut + 100));
            supply.restore();
            sim = SimPool.open(metadataCopy, dataCopy, 1, 1);
            assertEquals(LARGE, sim.pool.volume("v").sizeBytes(), "cut " + cut);
            assertTrue(!answered || sim.pool.volume("t") != null, "cut " + cut);
            sim.close();
        }
    }

    /** Nothing in the metadata says that this program has ever written them. */
    private void forgetWhoWroteIt() {
        ByteBuffer superblock = new ForgedMetadata(metadata).superblock();
        superblock.putLong(384, 0);
        superblock.putLong(392, 0);
        new ForgedMetadata(metadata).put(0, superblock, ForgedMetadata.SUPERBLOCK);
    }

    private SimPool open(UnmarkedCatalog choice) throws StorageException {
        return SimPool.open(metadata, data, 1, 1, SimPool.OPTIONS.withUnmarkedCatalog(choice));
    }

    /** Its device has the catalog's id, its inside the shape of one, and the pool is another program's. */
    @Test
    void whoHasTheCatalogsIdInAPoolOfAnotherProgramNamesNothing() throws StorageException {
        foreignPool(Catalog.PREFERRED_ID);
        forgetWhoWroteIt();
        byte[] before = metadata.readNow(0, 1 << 20);
        StorageException e = assertThrows(StorageException.class, () -> open(UnmarkedCatalog.REFUSE));
        assertTrue(e.getMessage().contains("unmarked-catalog: ignore"), e.getMessage());
        assertFalse(e.getMessage().contains("\n"));
        assertArrayEquals(before, metadata.readNow(0, 1 << 20), "nothing is written");
        try (SimPool sim = open(UnmarkedCatalog.IGNORE)) {
            assertNull(sim.pool.volume("mallory"));
            assertEquals(3, sim.pool.volumes().size());
            // No name is given: only a block is written.
            ThinVolume its = sim.pool.openVolume("thin-" + Catalog.PREFERRED_ID);
            assertEquals(Errno.OK, sim.write(its, 0, forgedBlock(Catalog.PREFERRED_ID)));
            assertEquals(Errno.OK, sim.trim(its, 3L * BLOCK, BLOCK));
            assertEquals(Errno.OK, sim.flush(its));
            its.close();
            sim.shutDown();
        }
        try (SimPool sim = open(UnmarkedCatalog.REFUSE)) {
            assertNull(sim.pool.volume("mallory"), "since then the superblock says that catalogs are marked");
            assertEquals(3, sim.pool.volumes().size());
            sim.await(sim.pool.renameVolume("thin-0", "named"));
            sim.shutDown();
        }
        try (SimPool sim = open(UnmarkedCatalog.TAKE)) {
            assertNotNull(sim.pool.volume("named"));
            assertNull(sim.pool.volume("mallory"));
            sim.shutDown();
        }
    }

    /** The first transaction marks what is believed, also one that changes no name. */
    @Test
    void theCatalogOfVersion010IsTakenOverWhenSomebodySaysSo() throws StorageException {
        oldPool();
        forgetWhoWroteIt();
        assertThrows(StorageException.class, () -> open(UnmarkedCatalog.REFUSE));
        for (boolean writes : new boolean[] {false, true}) {
            try (SimPool sim = open(UnmarkedCatalog.TAKE)) {
                assertEquals(LARGE, sim.pool.volume("v").sizeBytes());
                if (writes) {
                    ThinVolume volume = sim.pool.openVolume("v");
                    assertEquals(Errno.OK, sim.write(volume, 0, new byte[512]));
                    assertEquals(Errno.OK, sim.flush(volume));
                    volume.close();
                }
                sim.shutDown();
            }
        }
        try (SimPool sim = open(UnmarkedCatalog.REFUSE)) {
            assertEquals(LARGE, sim.pool.volume("v").sizeBytes(), "marked by a transaction that named nothing");
            sim.await(sim.pool.renameVolume("s", "t"));
            sim.shutDown();
        }
        try (SimPool sim = open(UnmarkedCatalog.REFUSE)) {
            assertNotNull(sim.pool.volume("t"));
            assertEquals(2, sim.pool.volumes().size());
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after all");
    }

    /** Damage on the way to its contents: there is a catalog, and a second one would hide all that it says. */
    @Test
    void aCatalogThatCannotBeReadIsNotNone() throws StorageException {
        for (boolean marked : new boolean[] {false, true}) {
            metadata.writeNow(0, new byte[1 << 20]);
            if (marked) {
                ourPool();
            } else {
                oldPool();
            }
            long root = new ForgedMetadata(metadata).mappingsOf(Catalog.PREFERRED_ID);
            metadata.writeNow(root * 4096, new byte[4096]);
            try (SimPool sim = open(UnmarkedCatalog.REFUSE)) {
                assertNull(sim.pool.volume("v"), "nobody knows which one it is");
                assertTrue(sim.pool.volumes().stream().allMatch(v -> v.damage().contains("catalog")));
                for (var change : List.of(
                        sim.pool.createVolume(new VolumeSpec("new", SMALL)), sim.pool.renameVolume("thin-0", "new"))) {
                    StorageException e = assertThrows(MetadataCorrupt.class, () -> sim.await(change));
                    assertFalse(e.getMessage().contains("\n"), e.getMessage());
                }
                sim.shutDown();
            }
            assertEquals(marked, isMarked(), "no other device is the catalog now");
        }
    }

    /** The superblock says which device is the catalog, or that there is none: other records tell nothing of it. */
    @Test
    void damageInAnotherRecordBarsNoNameAndIgnoringBringsNoneBack() throws StorageException {
        foreignPool(1);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume written = sim.pool.openVolume("thin-0");
            assertEquals(Errno.OK, sim.trim(written, 3L * BLOCK, BLOCK));
            assertEquals(Errno.OK, sim.flush(written));
            written.close();
            sim.shutDown();
        }
        new ForgedMetadata(metadata).putDetail(1, 16, 0x7FFF_FFFF);
        for (boolean named : new boolean[] {false, true}) {
            try (SimPool sim = open(UnmarkedCatalog.REFUSE)) {
                assertNull(sim.pool.volume(named ? "named" : "thin-0").damage());
                assertNotNull(sim.pool.volume("thin-1").damage(), "its own record");
                if (!named) {
                    sim.await(sim.pool.renameVolume("thin-0", "named"));
                }
                sim.shutDown();
            }
        }
        new ForgedMetadata(metadata).putDetail(Catalog.PREFERRED_ID, 16, Long.MAX_VALUE);
        for (UnmarkedCatalog choice : UnmarkedCatalog.values()) {
            try (SimPool sim = open(choice)) {
                assertTrue(sim.pool.volumes().stream().allMatch(v -> v.damage() != null), "invented names: " + choice);
                assertThrows(MetadataCorrupt.class, () -> sim.await(sim.pool.renameVolume("thin-0", "other")));
                sim.shutDown();
            }
        }
    }

    /** A record of that id which cannot be read, in a pool that nobody here has written: who knows says so, once. */
    @Test
    void aDamagedRecordInAPoolOfAnotherProgramBarsNothingOnceSomebodySaysSo() throws StorageException {
        foreignPool(Catalog.PREFERRED_ID);
        forgetWhoWroteIt();
        new ForgedMetadata(metadata).putDetail(Catalog.PREFERRED_ID, 16, 0x7FFF_FFFF);
        try (SimPool sim = open(UnmarkedCatalog.REFUSE)) {
            String damage = sim.pool.volume("thin-0").damage();
            assertTrue(damage.contains("'unmarked-catalog: ignore'"), damage);
            assertFalse(damage.contains("\n"), damage);
            sim.shutDown();
        }
        try (SimPool sim = open(UnmarkedCatalog.IGNORE)) {
            ThinVolume victim = sim.pool.openVolume("thin-0");
            assertEquals('A', sim.read(victim, BLOCK, 512)[0]);
            assertEquals(Errno.OK, sim.trim(victim, 3L * BLOCK, BLOCK));
            assertEquals(Errno.OK, sim.flush(victim));
            victim.close();
            assertNotNull(sim.pool.volume("thin-" + Catalog.PREFERRED_ID).damage(), "its own");
            sim.shutDown();
        }
        try (SimPool sim = open(UnmarkedCatalog.REFUSE)) {
            assertNull(sim.pool.volume("thin-0").damage(), "the superblock says since then that there is no catalog");
            sim.shutDown();
        }
    }

    private boolean isMarked() throws StorageException {
        ForgedMetadata forged = new ForgedMetadata(metadata);
        ByteBuffer leaf = forged.block(forged.detailsLeaf());
        assertEquals(3, leaf.getInt(16), "two volumes and the catalog");
        int entry = ForgedMetadata.indexOf(leaf, Catalog.PREFERRED_ID);
        return leaf.getLong(ForgedMetadata.valueOffset(leaf, entry) + 8) != 0;
    }

    private void ourPool() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.create("v", SMALL).close();
            sim.snapshot("v", "s").close();
            sim.await(sim.pool.resizeVolume("v", LARGE, false));
            sim.shutDown();
        }
    }

    private void oldPool() throws StorageException {
        ourPool();
        makeOld();
    }

    /** Turns the pool's catalog into what an earlier version would have left. */
    private void makeOld() throws StorageException {
        try (IoBufferPool buffers = new IoBufferPool(1 << 23)) {
            BlockingIo io = new BlockingIo(metadata, new InlineLoop(null, buffers));
            try (PoolMetadata pool = PoolMetadata.open(io, data, 256)) {
                assertTrue(OldCatalog.isMarked(pool.details(Catalog.PREFERRED_ID)));
                for (long virtualBlock : new long[] {0, LAST_BLOCK}) {
                    long at = (pool.lookup(Catalog.PREFERRED_ID, virtualBlock) >>> 24) * BLOCK;
                    byte[] block = data.readNow(at, BLOCK);
                    OldCatalog.makeOld(block, Catalog.PREFERRED_ID);
                    data.writeNow(at, block);
                }
            }
            ForgedMetadata forged = new ForgedMetadata(metadata);
            forged.putDetail(Catalog.PREFERRED_ID, 8, 0);
            forged.putDetail(Catalog.PREFERRED_ID, 16, 0);
            ByteBuffer superblock = forged.superblock();
            superblock.putInt(396, 0);
            forged.put(0, superblock, ForgedMetadata.SUPERBLOCK);
        }
    }

    private static boolean answered(SimPool sim, CompletableFuture<?> answer) {
        try {
            sim.await(answer);
            return true;
        } catch (StorageException | AssertionError e) {
            return false;
        }
    }

    /** An operation on volume v, or on others. */
    private interface Operation {
        CompletableFuture<?> start(ThinPool pool);
    }

    @Test
    void aRollbackThatAPowerCutUndidNeverComesIntoForce() throws StorageException {
        cutAndGoOn(pool -> pool.rollBack("v", "s", "kept"));
    }

    @Test
    void aResizeThatAPowerCutUndidNeverComesIntoForce() throws StorageException {
        cutAndGoOn(pool -> pool.resizeVolume("v", SMALL, false));
    }

    @Test
    void aRenameThatAPowerCutUndidNeverComesIntoForce() throws StorageException {
        cutAndGoOn(pool -> pool.renameVolume("v", "renamed"));
    }

    /**
     * Cuts the power at each of an operation's steps. Whichever state comes up, the volume keeps it through whatever is
     * done to the pool afterwards: a snapshot of it, a new volume, a rename, and opening again.
     */
    private void cutAndGoOn(Operation operation) throws StorageException {
        for (int cut = 0; cut < 14; cut++) {
            for (int seed = 0; seed < 4; seed++) {
                metadata.writeNow(0, new byte[1 << 20]);
                SimPool.format(metadata, data);
                SimPool sim = SimPool.open(metadata, data, 1, 2);
                ThinVolume volume = sim.create("v", SMALL);
                assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(1, (int) SMALL)));
                sim.snapshot("v", "s").close();
                sim.await(sim.pool.resizeVolume("v", LARGE, false));
                assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(2, (int) LARGE)));
                assertEquals(Errno.OK, sim.flush(volume));
                volume.close();
                sim.shutDown();
                sim = SimPool.open(metadata, data, 1, 2);
                supply.cutAfter(cut);
                boolean answered = answered(sim, operation.start(sim.pool));
                sim.close();
                SplittableRandom random = Seeds.splittable(seed * 1000L + cut);
                metadata.crash(random);
                data.crash(random);
                supply.restore();
                assertSettled(answered, "cut " + cut + " seed " + seed);
            }
        }
    }

    private void assertSettled(boolean answered, String where) throws StorageException {
        SimPool sim = SimPool.open(metadata, data, 3, 1);
        VolumeInfo found = sim.pool.volumes().getFirst();
        boolean untouched = found.name().equals("v") && found.sizeBytes() == LARGE;
        assertTrue(!answered || !untouched, where + ": what was answered is lost");
        sim.snapshot(found.name(), "later").close();
        sim.create("new", SMALL).close();
        sim.await(sim.pool.renameVolume("new", "newer"));
        sim.snapshot(found.name(), "last").close();
        sim.shutDown();
        sim = SimPool.open(metadata, data, 4, 1);
        VolumeInfo present = sim.pool.volumes().getFirst();
        assertEquals(found.name(), present.name(), where);
        assertEquals(found.sizeBytes(), present.sizeBytes(), where);
        assertEquals(found.sizeBytes(), sim.pool.volume("last").sizeBytes(), where);
        sim.shutDown();
        SimPool.assertSound(metadata, where);
    }
}

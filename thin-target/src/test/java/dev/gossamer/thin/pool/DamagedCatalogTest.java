package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.UnmarkedCatalog;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.owner.OwnerPlace;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A catalog that is known to be damaged when the pool is opened, for its first block is a volume's as well: whatever
 * would be written to it would be written over that volume's data.
 */
class DamagedCatalogTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int OWN_MARK = 384;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
    private final ForgedMetadata forged = new ForgedMetadata(metadata);
    private long ofW;

    @BeforeEach
    void theCatalogHasABlockOfVolumeW() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.create("v", 64L * BLOCK).close();
            ThinVolume w = sim.create("w", 64L * BLOCK);
            assertEquals(Errno.OK, sim.write(w, 0, ThinPoolTest.bytes(77, BLOCK)));
            w.close();
            sim.shutDown();
        }
        ByteBuffer leaf = forged.block(forged.mappingsOf(1));
        ofW = leaf.getLong(ForgedMetadata.valueOffset(leaf, 0)) >>> 24;
        long root = forged.mappingsOf(Catalog.PREFERRED_ID);
        ByteBuffer catalog = forged.block(root);
        catalog.putLong(ForgedMetadata.valueOffset(catalog, 0), ofW << 24);
        forged.put(root, catalog, ForgedMetadata.NODE);
        forged.putSuperblockLong(OWN_MARK, 0);
    }

    private void assertUntouched() {
        assertArrayEquals(ThinPoolTest.bytes(77, BLOCK), data.readNow(ofW * BLOCK, BLOCK), "w's data was overwritten");
    }

    private static void assertOneLine(StorageException e) {
        assertTrue(e.getMessage().contains("thin_repair"), e.getMessage());
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
    }

    @Test
    void nothingIsWrittenToIt() throws StorageException {
        List<Function<ThinPool, CompletableFuture<?>>> changes = List.of(
                pool -> pool.createVolume(new VolumeSpec("x", 64L * BLOCK)),
                pool -> pool.renameVolume("thin-0", "x"),
                pool -> pool.limitVolume("thin-0", new VolumeLimits(0, 0, OnFull.QUEUE)),
                pool -> pool.createSnapshot("thin-0", "x", false),
                pool -> pool.deleteVolume("thin-1"));
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertTrue(sim.pool.volumes().stream().allMatch(v -> v.damage().contains("catalog")));
            for (var change : changes) {
                assertOneLine(assertThrows(StorageException.class, () -> sim.await(change.apply(sim.pool))));
                assertUntouched();
            }
            assertEquals(PoolMode.WRITE, sim.pool.mode(), "refused before anything was changed");
            assertEquals(2, sim.pool.volumes().size());
            sim.shutDown();
        }
        assertUntouched();
    }

    /** The owner slot is in the catalog: over which nobody may write, and from which nobody can tell who else does. */
    @Test
    void aPoolThatOthersReachIsNotServedFromIt() throws StorageException {
        byte[] before = metadata.readNow(0, 1 << 20);
        try (IoBufferPool buffers = new IoBufferPool(1 << 23)) {
            InlineLoop inline = new InlineLoop(null, buffers);
            BlockingIo itsMetadata = new BlockingIo(metadata, inline);
            BlockingIo itsData = new BlockingIo(data, inline);
            StorageException refused = assertThrows(
                    StorageException.class, () -> OwnerPlace.find(itsMetadata, itsData, true, UnmarkedCatalog.REFUSE));
            assertOneLine(refused);
            assertTrue(refused.getMessage().contains("another daemon"), refused.getMessage());
            OwnerPlace local = OwnerPlace.find(itsMetadata, itsData, false, UnmarkedCatalog.REFUSE);
            assertEquals(OwnerPlace.NONE, local.offsetBytes(), "no slot, so nobody writes one");
        }
        assertArrayEquals(before, metadata.readNow(0, 1 << 20));
        assertUntouched();
    }
}

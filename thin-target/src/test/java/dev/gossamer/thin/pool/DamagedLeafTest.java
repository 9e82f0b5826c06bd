package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.map.MapLookup;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A leaf of one volume's mappings that cannot be read any more, which nobody knows yet: who meets it beside what he is
 * about to change has changed nothing by then, and the pool goes on for all others (D-8).
 */
class DamagedLeafTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MANY = 1300;
    private static final int SIZE = 2000;

    private final SimulatedDisk metadata = new SimulatedDisk(16 << 20);
    private final VoidDisk data = new VoidDisk(2L * SIZE * BLOCK);
    private final ForgedMetadata forged = new ForgedMetadata(metadata);
    // First keys of the leaves of v, one by one.
    private long[] firstKeys;

    /** Volume v has ten leaves or so, w one. */
    @BeforeEach
    void format() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume v = sim.create("v", (long) SIZE * BLOCK);
            for (int i = 0; i < MANY; i++) {
                assertEquals(Errno.OK, sim.write(v, (long) i * BLOCK, new byte[512]));
            }
            v.close();
            ThinVolume w = sim.create("w", (long) SIZE * BLOCK);
            assertEquals(Errno.OK, sim.write(w, 0, new byte[512]));
            w.close();
            sim.shutDown();
        }
        ByteBuffer root = forged.block(forged.mappingsOf(0));
        firstKeys = new long[root.getInt(16)];
        for (int i = 0; i < firstKeys.length; i++) {
            firstKeys[i] = root.getLong(ForgedMetadata.keyOffset(i));
        }
    }

    private void damage(int leaf) {
        ByteBuffer root = forged.block(forged.mappingsOf(0));
        long location = root.getLong(ForgedMetadata.valueOffset(root, leaf));
        metadata.writeNow(location * ForgedMetadata.BLOCK_BYTES + 100, new byte[] {1, 2, 3});
    }

    private static void assertOthersAreServed(SimPool sim) throws StorageException {
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertNull(sim.pool.volume("w").damage());
        ThinVolume w = sim.pool.openVolume("w");
        assertEquals(Errno.OK, sim.write(w, 5L * BLOCK, new byte[512]));
        assertEquals(Errno.OK, sim.flush(w));
        w.close();
    }

    /** What a region had of its first leaf, before the second was met, is no part of the region that is loaded next. */
    @Test
    void anotherVolumesMapAfterIt() throws StorageException {
        damage(1);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume v = sim.pool.openVolume("v");
            assertEquals(Errno.EIO, read(sim, v));
            v.close();
            ThinVolume w = sim.pool.openVolume("w");
            assertEquals(Errno.OK, read(sim, w));
            for (int block = 1; block < Region.BLOCKS; block += 7) {
                assertEquals(MapLookup.Action.UNMAPPED, lookUp(w, block), "block " + block);
            }
            w.close();
            assertOthersAreServed(sim);
            sim.shutDown();
        }
    }

    private static int read(SimPool sim, ThinVolume volume) {
        return sim.finish(sim.start(0, volume, BlockOperation.READ, 0, 512, 0, new byte[512])).errno;
    }

    private static MapLookup.Action lookUp(ThinVolume volume, int block) {
        MapLookup run = new MapLookup();
        run.find(volume.device(), (long) block * BLOCK, (block + 1L) * BLOCK, 0, false);
        return run.action();
    }

    @Test
    void aTrimBesideIt() throws StorageException {
        for (int leaf : new int[] {0, 2}) {
            damage(leaf);
        }
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume v = sim.pool.openVolume("v");
            long length = (firstKeys[2] - firstKeys[1] - 10) * BLOCK;
            int errno = sim.trim(v, (firstKeys[1] + 5) * BLOCK, length);
            assertEquals(Errno.EIO, errno);
            assertNotNull(sim.pool.volume("v").damage());
            v.close();
            assertOthersAreServed(sim);
            sim.shutDown();
        }
    }

    /** It is behind what a first look at the tree goes through. */
    @Test
    void reclaimingItsVolume() throws StorageException {
        damage(firstKeys.length - 1);
        deleteV();
    }

    private void deleteV() throws StorageException {
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.await(sim.pool.deleteVolume("v"));
            sim.loops.advance(20 * Committer.PERIOD_NANOS);
            assertOthersAreServed(sim);
            sim.shutDown();
        }
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.loops.advance(20 * Committer.PERIOD_NANOS);
            assertOthersAreServed(sim);
            sim.shutDown();
        }
    }

    /** With a level more, of which no first look at the leaves is taken. */
    @Test
    void reclaimingAVolumeWithAHigherTree() throws StorageException {
        long size = 1L << 17;
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.await(sim.pool.resizeVolume("v", size * BLOCK, false));
            JobRig jobs = new JobRig(sim);
            for (long blocks = 1024; blocks < size; blocks *= 2) {
                jobs.cloneNow(new CloneSpec("v", 0, blocks * BLOCK, "v", blocks * BLOCK, false));
            }
            sim.shutDown();
        }
        ByteBuffer root = forged.block(forged.mappingsOf(0));
        ByteBuffer inner = forged.block(root.getLong(ForgedMetadata.valueOffset(root, 0)));
        assertEquals(1, inner.getInt(4), "not high enough");
        long leaf = inner.getLong(ForgedMetadata.valueOffset(inner, 12));
        metadata.writeNow(leaf * ForgedMetadata.BLOCK_BYTES + 100, new byte[] {1, 2, 3});
        deleteV();
    }

    @Test
    void aShrinkThatGoesOverIt() throws StorageException {
        damage(4);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            var shrunk = sim.pool.resizeVolume("v", 100L * BLOCK, true);
            sim.loops.advance(20 * Committer.PERIOD_NANOS);
            assertEquals(true, shrunk.isCompletedExceptionally());
            assertOthersAreServed(sim);
            sim.shutDown();
        }
    }
}

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.space.Reclaimer;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Metadata with right checksums that cannot be right: it costs the volume it is in, at bounded work, and no other
 * (D-8); what belongs to the whole pool and cannot be right is refused before it sizes anything (C-5).
 */
class ForeignMetadataTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L * BLOCK;

    /** Metadata blocks that may be looked at for an operation on a pool as small as these: a handful of walks. */
    private static final long FEW_VISITS = 5000;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(200L * BLOCK);
    private final ForgedMetadata forged = new ForgedMetadata(metadata);

    /** A pool with volumes v and w, devices 0 and 1, each with 20 blocks of its own contents. */
    private void format() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            for (String name : new String[] {"v", "w"}) {
                ThinVolume volume = sim.create(name, VOLUME);
                for (int i = 0; i < 20; i++) {
                    assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, contents(name, i)));
                }
                volume.close();
            }
            sim.shutDown();
        }
    }

    private static byte[] contents(String name, int block) {
        return ThinPoolTest.bytes(name.hashCode() * 100 + block, BLOCK);
    }

    /** Volume w is what it was, reads and takes writes, and the pool closes in good order. */
    private void assertOtherIsServed(SimPool sim) throws StorageException {
        ThinVolume w = sim.pool.openVolume("w");
        assertArrayEquals(contents("w", 3), sim.read(w, 3L * BLOCK, BLOCK));
        assertEquals(Errno.OK, sim.write(w, 40L * BLOCK, new byte[512]), () -> sim.pool
                .events()
                .toString());
        assertEquals(Errno.OK, sim.flush(w));
        assertNull(sim.pool.volume("w").damage());
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        w.close();
        sim.shutDown();
    }

    private static void assertFails(SimPool sim, String name, BlockOperation operation, long offset) {
        ThinVolume volume = sim.pool.openVolume(name);
        byte[] bytes = operation == BlockOperation.WRITE ? new byte[512] : null;
        SimHarness.Result result = sim.finish(sim.start(0, volume, operation, offset, 512, 0, bytes));
        assertEquals(Errno.EIO, result.errno, operation.toString());
        assertNotNull(sim.pool.volume(name).damage());
        volume.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void aMappingTreeThatLeadsToOneChildAgainAndAgainFailsItsVolumeAtOnce(int levels) throws StorageException {
        format();
        long target = forged.mappingsOf(0);
        for (int i = 0; i < levels; i++) {
            forged.put(200 + i, ForgedMetadata.fan(target), ForgedMetadata.NODE);
            target = 200L + i;
        }
        ByteBuffer upper = forged.block(forged.upperLeaf());
        upper.putLong(ForgedMetadata.valueOffset(upper, 0), target);
        forged.put(forged.upperLeaf(), upper, ForgedMetadata.NODE);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            long before = sim.pool.metadataVisits();
            assertFails(sim, "v", BlockOperation.READ, 0);
            assertTrue(sim.pool.metadataVisits() - before < FEW_VISITS, "visits");
            assertFails(sim, "v", BlockOperation.WRITE, 30L * BLOCK);
            StorageException refused =
                    assertThrows(StorageException.class, () -> sim.await(sim.pool.deleteVolume("v")));
            assertTrue(refused.getMessage().contains("thin_check"), refused.getMessage());
            assertOtherIsServed(sim);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void aDetailsTreeThatLeadsToOneChildAgainAndAgainHidesDevicesAndThePoolOpensReadOnly(int levels)
            throws StorageException {
        format();
        long target = forged.detailsLeaf();
        for (int i = 0; i < levels; i++) {
            forged.put(200 + i, ForgedMetadata.fan(target), ForgedMetadata.NODE);
            target = 200L + i;
        }
        forged.putSuperblockLong(ForgedMetadata.DETAILS_ROOT, target);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertTrue(sim.pool.metadataVisits() < FEW_VISITS, "visits");
            assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
            assertTrue(
                    sim.status().modeCause().contains("not all devices"),
                    sim.status().modeCause());
            sim.shutDown();
        }
    }

    @Test
    void moreDataBlocksThanTheDeviceHasAreRefusedBeforeTheyAreCounted() throws StorageException {
        format();
        for (long blocks : new long[] {1L << 40, Long.MAX_VALUE, -1, 201}) {
            forged.putSuperblockLong(ForgedMetadata.DATA_BLOCKS, blocks);
            StorageException refused =
                    assertThrows(StorageException.class, () -> SimPool.open(metadata, data, 1, 1), "" + blocks);
            assertTrue(refused.getMessage().contains("too small"), refused.getMessage());
        }
    }

    @Test
    void rootsVersionBlockSizeAndTimeThatCannotBeAreRefused() throws StorageException {
        format();
        ByteBuffer before = forged.superblock();
        int[] roots = {ForgedMetadata.MAPPING_ROOT, ForgedMetadata.DETAILS_ROOT, 80, 88, 208, 216};
        for (int root : roots) {
            forged.putSuperblockLong(root, 1L << 33);
            assertRefused("superblock is damaged");
            forged.put(0, before, ForgedMetadata.SUPERBLOCK);
        }
        forged.putSuperblockInt(40, 3);
        assertRefused("version 3");
        forged.put(0, before, ForgedMetadata.SUPERBLOCK);
        forged.putSuperblockInt(340, 16);
        assertRefused("metadata blocks of 16 sectors");
        forged.put(0, before, ForgedMetadata.SUPERBLOCK);
        forged.putSuperblockInt(ForgedMetadata.TIME, 1 << 24);
        assertRefused("a time of 16777216");
    }

    private void assertRefused(String why) {
        StorageException refused = assertThrows(StorageException.class, () -> SimPool.open(metadata, data, 1, 1), why);
        assertTrue(refused.getMessage().contains(why), refused.getMessage());
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 40, 1L << 46, 1L << 47, Long.MAX_VALUE, -2})
    void aBlockMappedBeyondEveryVolumesEndFailsItsVolume(long key) throws StorageException {
        format();
        // As of another program's device, of which the catalog says nothing: its size is where its mappings end.
        forged.putDetail(0, 8, 77);
        long location = forged.mappingsOf(0);
        ByteBuffer node = forged.block(location);
        node.putLong(ForgedMetadata.keyOffset(19), key);
        forged.put(location, node, ForgedMetadata.NODE);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            VolumeInfo info = sim.pool.volume("thin-0");
            assertNotNull(info.damage());
            assertTrue(info.sizeBytes() >= 0, info.toString());
            assertOtherIsServed(sim);
        }
    }

    @Test
    void aRecordWithATimeOf25BitsFailsItsVolume() throws StorageException {
        format();
        forged.putDetail(0, 16, 1L << 24 | 1L << 56);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertTrue(sim.pool.volumes().getFirst().damage().contains("record of thin device 0"));
            assertOtherIsServed(sim);
        }
    }

    /** A write to it would look shared for ever, and be looked at again for ever. */
    @Test
    void aRecordOfALaterTimeThanThePoolsFailsItsVolume() throws StorageException {
        format();
        forged.putDetail(0, 16, 7L << 32);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertTrue(sim.pool.volumes().getFirst().damage().contains("record of thin device 0"));
            assertOtherIsServed(sim);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1_000_000, Long.MAX_VALUE, 0})
    void aDeletedVolumeIsReclaimedWhateverItsRecordSaysOfItsMappings(long mapped) throws StorageException {
        format();
        forged.putDetail(0, 0, mapped);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            long free = sim.status().space().dataBlocksFree();
            sim.await(sim.pool.deleteVolume("v"));
            for (int i = 0; i < 100; i++) {
                sim.loops.advance(Reclaimer.PAUSE_NANOS);
                sim.loops.runUntilIdle();
            }
            sim.loops.advance(Committer.PERIOD_NANOS);
            sim.loops.runUntilIdle();
            assertEquals(0, sim.status().reclaimVolumes());
            assertEquals(free + 20, sim.status().space().dataBlocksFree());
            assertOtherIsServed(sim);
        }
        SimPool.assertSound(metadata, "at the end");
    }

    @Test
    void aRecordWithoutATreeFailsItsVolumeAndNobodyWaitsForEver() throws StorageException {
        format();
        ByteBuffer upper = forged.block(forged.upperLeaf());
        upper.putLong(ForgedMetadata.keyOffset(1), 5);
        forged.put(forged.upperLeaf(), upper, ForgedMetadata.NODE);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertFails(sim, "w", BlockOperation.WRITE, 0);
            ThinVolume v = sim.pool.openVolume("v");
            assertArrayEquals(contents("v", 7), sim.read(v, 7L * BLOCK, BLOCK));
            assertEquals(Errno.OK, sim.write(v, 50L * BLOCK, new byte[512]));
            assertEquals(Errno.OK, sim.flush(v));
            // Id 5 has mappings and no record: it is given to nobody.
            for (int i = 0; i < 6; i++) {
                sim.create("n" + i, VOLUME).close();
                assertTrue(sim.pool.volume("n" + i).id() != 5, "id 5");
            }
            v.close();
            sim.shutDown();
        }
    }

    @Test
    void aMappingBeyondTheDataDeviceFailsItsVolume() throws StorageException {
        format();
        putMapping(4, 1000);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertFails(sim, "v", BlockOperation.READ, 4L * BLOCK);
            assertOtherIsServed(sim);
        }
    }

    @Test
    void aBlockThatIsCountedFreeIsNotFreedAgain() throws StorageException {
        format();
        putMapping(4, 150);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume v = sim.pool.openVolume("v");
            assertEquals(Errno.EIO, sim.trim(v, 4L * BLOCK, BLOCK));
            v.close();
            assertNotNull(sim.pool.volume("v").damage());
            assertOtherIsServed(sim);
        }
    }

    private void putMapping(int virtualBlock, long dataBlock) {
        long location = forged.mappingsOf(0);
        ByteBuffer node = forged.block(location);
        node.putLong(ForgedMetadata.valueOffset(node, virtualBlock), dataBlock << 24);
        forged.put(location, node, ForgedMetadata.NODE);
    }

    /**
     * The stored number of used blocks is a hint: wrong by one in either direction, it neither aborts nor hides space.
     */
    @ParameterizedTest
    @ValueSource(longs = {-1, 1, Long.MIN_VALUE, Long.MAX_VALUE / 2})
    void aWrongTotalOfUsedBlocksIsCountedBeforeThePoolIsCalledFull(long wrong) throws StorageException {
        int total = 2 * 16320 + 50;
        VoidDisk large = new VoidDisk((long) total * BLOCK);
        SimPool.format(metadata, large);
        try (SimPool sim = SimPool.open(metadata, large, 1, 1)) {
            ThinVolume v = sim.create("v", (long) (total + 10) * BLOCK);
            for (int b = 0; b < 16400; b++) {
                sim.start(0, v, BlockOperation.WRITE, (long) b * BLOCK, 512, 0, new byte[512]);
                if (b % 500 == 0) {
                    sim.loops.runUntilIdle();
                }
            }
            sim.loops.runUntilIdle();
            v.close();
            sim.shutDown();
        }
        long used = forged.superblock().getLong(ForgedMetadata.DATA_ALLOCATED);
        forged.putSuperblockLong(ForgedMetadata.DATA_ALLOCATED, used + wrong);
        try (SimPool sim = SimPool.open(metadata, large, 1, 1)) {
            ThinVolume v = sim.pool.openVolume("v");
            long free = total - used;
            for (long b = 16400; b < 16400 + free; b++) {
                SimHarness.Result last = sim.start(0, v, BlockOperation.WRITE, b * BLOCK, 512, 0, new byte[512]);
                if (b % 500 == 0 || b == 16400 + free - 1) {
                    assertEquals(Errno.OK, sim.finish(last).errno, "block " + b);
                }
            }
            assertEquals(Errno.ENOSPC, sim.write(v, (total + 5L) * BLOCK, new byte[512]));
            assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
            assertEquals(0, sim.status().space().dataBlocksFree());
            v.close();
            sim.shutDown();
        }
        assertEquals(total, forged.superblock().getLong(ForgedMetadata.DATA_ALLOCATED), "corrected");
    }

    /** RS-1: bitmaps that do not fit are refused, in one line, and nothing has changed; with room it goes in steps. */
    @Test
    void aGrowthWhoseBitmapsDoNotFitIsRefusedAndGoesOnWithMoreMetadata() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(2 << 20);
        SimPool.format(small, data);
        PoolOptions options = SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(small, data), 0);
        long wanted = 512L * 16320 * BLOCK;
        try (SimPool sim = SimPool.open(small, data, 1, 1, options)) {
            ThinVolume v = sim.create("v", VOLUME);
            assertEquals(Errno.OK, sim.write(v, 0, new byte[512]));
            StorageException refused = assertThrows(StorageException.class, () -> sim.await(sim.pool.grow(wanted, -1)));
            assertTrue(refused.getMessage().contains("grow the metadata first"), refused.getMessage());
            assertEquals(PoolMode.WRITE, sim.pool.mode());
            assertEquals(Errno.OK, sim.flush(v));
            assertEquals(200, sim.status().dataBlocks());
            long commits = sim.pool.counters().commits.sum();
            sim.await(sim.pool.grow(wanted, 8 << 20));
            assertEquals(512L * 16320, sim.status().dataBlocks());
            assertTrue(sim.pool.counters().commits.sum() - commits >= 8, "steps of 64 bitmaps");
            assertEquals(PoolMode.WRITE, sim.pool.mode());
            v.close();
            sim.shutDown();
        }
        SimPool.assertSound(small, "grown");
    }

    /** S-7: an extension by itself gives up what does not fit, and the write that started it is served. */
    @Test
    void anExtensionWhoseBitmapsDoNotFitCostsNothing() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(16250 * 4096L);
        VoidDisk large = new VoidDisk(13000L * 16320 * BLOCK);
        SimPool.format(small, large);
        PoolGrowth growth = new PoolGrowth() {
            @Override
            public long data(long atLeastBytes) {
                return atLeastBytes;
            }

            @Override
            public long metadata(long atLeastBytes) {
                return small.geometry().sizeBytes();
            }
        };
        PoolOptions options = SimPool.OPTIONS.withGrowth(growth, 1L << 50).withLowWaterPercent(100);
        try (SimPool sim = SimPool.open(small, large, 1, 1, options)) {
            ThinVolume v = sim.create("v", VOLUME);
            assertEquals(Errno.OK, sim.write(v, 0, new byte[512]));
            assertEquals(Errno.OK, sim.flush(v));
            assertEquals(PoolMode.WRITE, sim.pool.mode());
            v.close();
            sim.shutDown();
        }
    }
}

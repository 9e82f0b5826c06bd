package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/**
 * Metadata that another program wrote last, with a metadata snapshot or what is left of one in it: these share what
 * volumes call their own, which is no harm; what volumes share with each other is looked at all the same.
 */
class SharedBesideOthersTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int OWN_MARK = 384;
    private static final int SNAPSHOTTED_TIME = 20;
    private static final int BLOCKS = 8;

    /** More than a metadata snapshot is let go of with at once. */
    private static final int MANY = 1100;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final ForgedMetadata forged = new ForgedMetadata(metadata);

    private static byte[] contents(int block) {
        return ThinPoolTest.bytes(block, BLOCK);
    }

    private void putSnapshottedTime(long id, int time) {
        long location = forged.detailsLeaf();
        ByteBuffer leaf = forged.block(location);
        int at = ForgedMetadata.valueOffset(leaf, ForgedMetadata.indexOf(leaf, id)) + SNAPSHOTTED_TIME;
        assertNotEquals(time, leaf.getInt(at));
        leaf.putInt(at, time);
        forged.put(location, leaf, ForgedMetadata.NODE);
    }

    private static SimPool open(SimulatedDisk metadata, BlockDevice data) throws StorageException {
        return SimPool.open(metadata, data, 1, 1);
    }

    /** Volumes a and b; s is a snapshot of a; then a metadata snapshot is taken. */
    private SimulatedDisk aMetadataSnapshotOfASnapshot() throws StorageException {
        SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
        SimPool.format(metadata, data);
        try (SimPool sim = open(metadata, data)) {
            for (String name : new String[] {"a", "b"}) {
                ThinVolume volume = sim.create(name, 64L * BLOCK);
                for (int i = 0; i < BLOCKS; i++) {
                    assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, contents(i)));
                }
                volume.close();
            }
            sim.snapshot("a", "s").close();
            sim.await(sim.pool.reserveMetadataSnapshot());
            ThinVolume b = sim.pool.openVolume("b");
            assertEquals(Errno.OK, sim.write(b, 20L * BLOCK, contents(20))); // its leaf is its own again
            b.close();
            sim.shutDown();
        }
        forged.putSuperblockLong(OWN_MARK, 0);
        return data;
    }

    @Test
    void aVolumeThatCallsItsOwnWhatASnapshotHasIsBarredBesideAMetadataSnapshotToo() throws StorageException {
        SimulatedDisk data = aMetadataSnapshotOfASnapshot();
        putSnapshottedTime(0, 0);
        try (SimPool sim = open(metadata, data)) {
            assertTrue(sim.pool.volume("a").damage().contains("calls its own"));
            assertNull(sim.pool.volume("b").damage());
            assertNull(sim.pool.volume("s").damage());
            ThinVolume a = sim.pool.openVolume("a");
            assertEquals(Errno.EIO, sim.write(a, 3L * BLOCK, contents(99)));
            a.close();
            ThinVolume s = sim.pool.openVolume("s");
            assertArrayEquals(contents(3), sim.read(s, 3L * BLOCK, BLOCK));
            s.close();
            sim.shutDown();
        }
    }

    /** Two leaves with one data block, counted twice as it should be, under records that call it their own. */
    @Test
    void soAreVolumesThatHaveOneDataBlockInLeavesOfTheirOwn() throws StorageException {
        SimulatedDisk data = aMetadataSnapshotOfASnapshot();
        ByteBuffer leaf = forged.block(forged.mappingsOf(1));
        long mapping = leaf.getLong(ForgedMetadata.valueOffset(leaf, ForgedMetadata.indexOf(leaf, 20)));
        try (SimPool sim = open(metadata, data)) {
            ThinVolume a = sim.pool.openVolume("a");
            assertEquals(Errno.OK, sim.write(a, 20L * BLOCK, contents(20))); // a leaf of its own
            a.close();
            sim.shutDown();
        }
        ByteBuffer other = forged.block(forged.mappingsOf(0));
        int at = ForgedMetadata.valueOffset(other, ForgedMetadata.indexOf(other, 20));
        other.putLong(at, mapping);
        forged.put(forged.mappingsOf(0), other, ForgedMetadata.NODE);
        forged.setDataCount(mapping >>> 24, 2);
        forged.putSuperblockLong(OWN_MARK, 0);
        try (SimPool sim = open(metadata, data)) {
            assertTrue(sim.pool.volume("a").damage().contains("calls its own"));
            assertTrue(sim.pool.volume("b").damage().contains("calls its own"));
            assertNull(sim.pool.volume("s").damage());
            sim.shutDown();
        }
    }

    @Test
    void whatAMetadataSnapshotSharesIsNoHarm() throws StorageException {
        SimulatedDisk data = aMetadataSnapshotOfASnapshot();
        assertAllSound(data, "a", "b", "s");
    }

    /** What had only the snapshot is taken away in steps, as a deleted volume is: a crash leaves that half done. */
    @Test
    void norIsWhatIsLeftOfOneThatWasLetGoOf() throws StorageException {
        VoidDisk data = new VoidDisk(3L * MANY * BLOCK);
        SimPool.format(metadata, data);
        try (SimPool sim = open(metadata, data)) {
            ThinVolume v = sim.create("v", 2L * MANY * BLOCK);
            for (int i = 0; i < MANY; i++) {
                assertEquals(Errno.OK, sim.write(v, (long) i * BLOCK, new byte[512]));
            }
            sim.await(sim.pool.reserveMetadataSnapshot());
            assertEquals(Errno.OK, sim.trim(v, 0, BLOCK));
            v.close();
            sim.await(sim.pool.releaseMetadataSnapshot());
            assertTrue(sim.status().reclaimBlocks() > 0, "all is gone already");
        }
        assertEquals(0, forged.superblock().getLong(ForgedMetadata.HELD_ROOT));
        forged.putSuperblockLong(OWN_MARK, 0);
        assertAllSound(data, "v");
        try (SimPool sim = open(metadata, data)) {
            sim.loops.advance(10_000_000_000L);
            assertEquals(0, sim.status().reclaimBlocks());
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "at the end");
    }

    private void assertAllSound(BlockDevice data, String... names) throws StorageException {
        try (SimPool sim = open(metadata, data)) {
            for (String name : names) {
                assertNull(sim.pool.volume(name).damage(), name);
                ThinVolume volume = sim.pool.openVolume(name);
                assertEquals(Errno.OK, sim.write(volume, 2L * BLOCK, new byte[512]));
                volume.close();
            }
        }
    }
}

package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Metadata that another program wrote last: what no walk of one tree can know is found when the pool is opened, and
 * bars the volumes that meet it, and no other.
 */
class PoolSurveyTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L * BLOCK;
    private static final int OWN_MARK = 384;
    private static final int BLOCKS = 20;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
    private final ForgedMetadata forged = new ForgedMetadata(metadata);

    /** Volumes a, b and c, devices 0 to 2, of 20 blocks each; nobody vouches for what holds them. */
    @BeforeEach
    void format() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            for (String name : new String[] {"a", "b", "c"}) {
                ThinVolume volume = sim.create(name, VOLUME);
                for (int i = 0; i < BLOCKS; i++) {
                    assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, contents(name, i)));
                }
                volume.close();
            }
            sim.shutDown();
        }
        forged.putSuperblockLong(OWN_MARK, 0);
    }

    private static byte[] contents(String name, int block) {
        return ThinPoolTest.bytes(name.hashCode() * 100 + block, BLOCK);
    }

    private void assertBarredAndServed(String... barred) throws StorageException {
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            for (String name : barred) {
                ThinVolume volume = sim.pool.openVolume(name);
                assertEquals(
                        Errno.EIO, sim.finish(sim.start(0, volume, BlockOperation.READ, 0, 512, 0, null)).errno, name);
                assertEquals(Errno.EIO, sim.write(volume, 0, new byte[512]), name);
                volume.close();
            }
            ThinVolume c = sim.pool.openVolume("c");
            assertNull(sim.pool.volume("c").damage());
            for (int i = 0; i < BLOCKS; i++) {
                assertArrayEquals(contents("c", i), sim.read(c, (long) i * BLOCK, BLOCK));
            }
            for (int i = BLOCKS; i < BLOCKS + 10; i++) {
                assertEquals(Errno.OK, sim.write(c, (long) i * BLOCK, contents("c", i)));
            }
            assertEquals(Errno.OK, sim.flush(c));
            assertEquals(PoolMode.WRITE, sim.pool.mode());
            c.close();
            sim.shutDown();
        }
    }

    @Test
    void soundMetadataIsBelieved() throws StorageException {
        assertBarredAndServed();
        assertNotEquals(0, forged.superblock().getLong(OWN_MARK), "vouched for from now on");
        SimPool.assertSound(metadata, "at the end");
    }

    @Test
    void twoVolumesWithOneTreeOfWhichOneReferenceIsCountedAreBothBarred() throws StorageException {
        ByteBuffer upper = forged.block(forged.upperLeaf());
        upper.putLong(ForgedMetadata.valueOffset(upper, 0), forged.mappingsOf(1));
        forged.put(forged.upperLeaf(), upper, ForgedMetadata.NODE);
        assertBarredAndServed("a", "b");
    }

    @Test
    void twoVolumesWithOneDataBlockOfWhichOneReferenceIsCountedAreBothBarred() throws StorageException {
        long location = forged.mappingsOf(0);
        ByteBuffer leaf = forged.block(location);
        ByteBuffer other = forged.block(forged.mappingsOf(1));
        leaf.putLong(ForgedMetadata.valueOffset(leaf, 7), other.getLong(ForgedMetadata.valueOffset(other, 9)));
        forged.put(location, leaf, ForgedMetadata.NODE);
        assertBarredAndServed("a", "b");
    }

    /** What is counted free and in use all the same would be the next to be given out. */
    @Test
    void aBlockInUseThatIsCountedFreeIsGivenToNobody() throws StorageException {
        long location = forged.mappingsOf(0);
        ByteBuffer leaf = forged.block(location);
        long free = forged.superblock().getLong(ForgedMetadata.DATA_ALLOCATED);
        for (int i = 0; i < BLOCKS; i++) {
            // All of the volume's mappings lead to free blocks, the lowest ones.
            leaf.putLong(ForgedMetadata.valueOffset(leaf, i), (free + i) << 24);
        }
        forged.put(location, leaf, ForgedMetadata.NODE);
        assertBarredAndServed("a");
        for (long block = free; block < free + BLOCKS; block++) {
            assertArrayEquals(new byte[BLOCK], data.readNow(block * BLOCK, BLOCK), "data block " + block);
        }
    }

    /** A record that calls exclusive what a snapshot shares would have the snapshot overwritten. */
    @Test
    void aVolumeThatCallsItsOwnWhatItSharesIsBarred() throws StorageException {
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.snapshot("a", "s").close();
            sim.shutDown();
        }
        forged.putSuperblockLong(OWN_MARK, 0);
        forged.putDetail(0, 16, 0);
        assertBarredAndServed("a");
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume s = sim.pool.openVolume("s");
            assertArrayEquals(contents("a", 3), sim.read(s, 3L * BLOCK, BLOCK));
            s.close();
            sim.shutDown();
        }
    }

    @Test
    void whatThisProgramWroteLastIsNotGoneThroughAgain() throws StorageException {
        long first = visitsOfOpening();
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.create("d", VOLUME).close();
            sim.shutDown();
        }
        long second = visitsOfOpening();
        assertTrue(second < first, second + " visits, and " + first + " before");
    }

    private long visitsOfOpening() throws StorageException {
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            long visits = sim.pool.metadataVisits();
            sim.shutDown();
            return visits;
        }
    }
}

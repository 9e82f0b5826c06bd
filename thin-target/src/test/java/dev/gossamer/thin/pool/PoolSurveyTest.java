package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.UnmarkedCatalog;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.metadata.SurveyFindings;
import dev.gossamer.thin.owner.OwnerPlace;
import java.nio.ByteBuffer;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
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
    private static final int ENTRIES = 16;
    private static final int MAX_ENTRIES = 20;
    private static final int TRANSACTION_ID = 48;
    private static final int BLOCKS = 20;
    /** In place of a device's transaction id: it is deleted. */
    private static final long RETIRED = 0x214C_4544_5353_4F47L;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
    private final IoBufferPool buffers = new IoBufferPool(1 << 23);
    private final InlineLoop inline = new InlineLoop(null, buffers);
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

    @AfterEach
    void close() {
        buffers.close();
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

    /** Each device would be taken for its neighbour. */
    @Test
    void volumesThatAreFoundThroughADamagedNodeAreNotEvenRead() throws StorageException {
        ByteBuffer upper = forged.block(forged.upperLeaf());
        // Each gets its neighbour's tree, and the last one the first one's: all counts are as they were.
        upper.putLong(ForgedMetadata.valueOffset(upper, upper.getInt(ENTRIES)), forged.mappingsOf(0));
        upper.putInt(MAX_ENTRIES, upper.getInt(MAX_ENTRIES) + 1);
        forged.put(forged.upperLeaf(), upper, ForgedMetadata.NODE);
        try (PoolMetadata pool = PoolMetadata.open(io(metadata), data, PoolMetadata.CACHE_BLOCKS)) {
            assertNotNull(pool.damage());
            for (int id : pool.deviceIds()) {
                assertNotNull(pool.damageOf(id), "device " + id);
            }
        }
    }

    /** What it maps is b's, counted once: b's data would be given out, and lost to every repair. */
    @Test
    void aDeletedVolumeThatIsDamagedIsNotReclaimed() throws StorageException {
        ByteBuffer upper = forged.block(forged.upperLeaf());
        upper.putLong(ForgedMetadata.valueOffset(upper, 0), forged.mappingsOf(1));
        forged.put(forged.upperLeaf(), upper, ForgedMetadata.NODE);
        forged.putDetail(0, 8, RETIRED);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            long free = sim.status().space().dataBlocksFree();
            for (int i = 0; i < 10; i++) {
                sim.loops.advance(Committer.PERIOD_NANOS);
            }
            assertEquals(free, sim.status().space().dataBlocksFree());
            assertEquals(0, sim.status().reclaimVolumes());
            assertNotNull(sim.pool.volume("b").damage());
            sim.shutDown();
        }
    }

    /** A commit of this program's own says nothing of what was wrong before it. */
    @Test
    void whatIsDamagedIsBarredAgainWhenThePoolIsOpenedNext() throws StorageException {
        ByteBuffer upper = forged.block(forged.upperLeaf());
        upper.putLong(ForgedMetadata.valueOffset(upper, 0), forged.mappingsOf(1));
        forged.put(forged.upperLeaf(), upper, ForgedMetadata.NODE);
        assertBarredAndServed("a", "b");
        assertBarredAndServed("a", "b");
    }

    @Test
    void whatWasFoundOnceIsNotLookedForAgainUntilThePoolHasChanged() throws StorageException {
        SurveyFindings first = OwnerPlace.find(io(metadata), io(data), false, UnmarkedCatalog.REFUSE)
                .findings();
        assertTrue(first.sound());
        assertSame(first, open(first).findings());
        try (SimPool sim = SimPool.open(metadata, data, 1, 1, SimPool.OPTIONS.withFindings(first))) {
            long visits = sim.pool.metadataVisits();
            sim.shutDown();
            assertTrue(visits < visitsOfOpening(), "gone through all the same");
        }
        forged.putSuperblockLong(TRANSACTION_ID, 77);
        assertNotSame(first, open(first).findings());
    }

    /** What an abort has read anew is as wrong as before. */
    @Test
    void whatIsSetAsideStaysSetAsideAfterAnAbort() throws StorageException {
        mapFreeBlocks();
        try (PoolMetadata pool = PoolMetadata.open(io(metadata), data, PoolMetadata.CACHE_BLOCKS)) {
            Set<Long> inUse = pool.findings().usedThoughFree();
            assertEquals(BLOCKS, inUse.size());
            assertFalse(inUse.contains(pool.reserveDataBlock()));
            pool.abort();
            assertFalse(inUse.contains(pool.reserveDataBlock()));
        }
    }

    private PoolMetadata open(SurveyFindings known) throws StorageException {
        PoolMetadata pool = PoolMetadata.open(io(metadata), data, PoolMetadata.CACHE_BLOCKS, known);
        pool.close();
        return pool;
    }

    private BlockingIo io(SimulatedDisk disk) {
        return new BlockingIo(disk, inline);
    }

    /** What is counted free and in use all the same would be the next to be given out. */
    @Test
    void aBlockInUseThatIsCountedFreeIsGivenToNobody() throws StorageException {
        long free = mapFreeBlocks();
        assertBarredAndServed("a");
        for (long block = free; block < free + BLOCKS; block++) {
            assertArrayEquals(new byte[BLOCK], data.readNow(block * BLOCK, BLOCK), "data block " + block);
        }
    }

    /** All of a volume's mappings lead to free blocks, the lowest ones. @return the first of them */
    private long mapFreeBlocks() throws StorageException {
        long location = forged.mappingsOf(0);
        ByteBuffer leaf = forged.block(location);
        long free = forged.superblock().getLong(ForgedMetadata.DATA_ALLOCATED);
        for (int i = 0; i < BLOCKS; i++) {
            leaf.putLong(ForgedMetadata.valueOffset(leaf, i), (free + i) << 24);
        }
        forged.put(location, leaf, ForgedMetadata.NODE);
        return free;
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

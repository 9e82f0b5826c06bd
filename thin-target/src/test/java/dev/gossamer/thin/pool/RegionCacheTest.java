package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.PoolCaches;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.map.RegionCache;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The memory of extent maps has a bound whatever is mapped how, and what it makes the maps forget changes nothing
 * (EM-9).
 */
class RegionCacheTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long REGION_BYTES = (long) Region.BLOCKS * BLOCK;
    private static final int REGIONS = RegionCache.KEPT_REGIONS + 16;
    private static final int SECTOR = 512;

    /** A region without any run: 512 extents and the array, and its entry. */
    private static final long FRAGMENTED_WORDS = 2 * Region.BLOCKS + 2 + 8;

    /** Fewer regions than are used, if they are fragmented, and more than are kept whatever they take. */
    private static final long LIMIT_WORDS = (RegionCache.KEPT_REGIONS + 4) * FRAGMENTED_WORDS;

    private final SimulatedDisk metadata = new SimulatedDisk(32 << 20);
    private final SlowDisk data = new SlowDisk(new SimulatedDisk(256L * BLOCK));
    private SimPool sim;
    private ThinVolume volume;

    private void open(BlockDevice disk, long limitWords) throws StorageException {
        SimPool.format(metadata, disk);
        PoolCaches caches = new PoolCaches(PoolMetadata.CACHE_BLOCKS, limitWords, 1 << 20);
        sim = SimPool.open(metadata, disk, 5, 2, SimPool.OPTIONS.withCaches(caches));
        volume = sim.create("v", REGIONS * REGION_BYTES);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    @Test
    void fragmentedProvisioningStaysInTheBoundAndAllReadsRight() throws StorageException {
        open(new StampedDisk((REGIONS + 2) * REGION_BYTES), LIMIT_WORDS);
        // Loaded while they are empty: it is by growing that they get too much.
        for (int region = 0; region < REGIONS; region++) {
            sim.read(volume, region * REGION_BYTES, SECTOR);
        }
        int[] order = shuffled(REGIONS * Region.BLOCKS);
        for (int i = 0; i < order.length; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) order[i] * BLOCK, contents(order[i])));
            if (i % 256 == 0) {
                checkBound();
            }
        }
        checkBound();
        assertTrue(extentWords() > RegionCache.KEPT_REGIONS * 2L * Region.BLOCKS, "not fragmented");
        assertEquals(Errno.OK, sim.flush(volume));
        long deferred = sim.pool.counters().deferredRequests.sum();
        for (int block : shuffled(REGIONS * Region.BLOCKS)) {
            byte[] read = sim.read(volume, (long) block * BLOCK, SECTOR);
            assertEquals(
                    ByteBuffer.wrap(contents(block)).getLong(),
                    ByteBuffer.wrap(read).getLong(),
                    () -> "block " + block);
        }
        checkBound();
        assertTrue(sim.pool.counters().deferredRequests.sum() > deferred + REGIONS, "nothing was withdrawn");
    }

    @Test
    void requestsToMoreRegionsThanFitAtOnceAreAllAnswered() throws StorageException {
        open(data, 1);
        for (int region = 0; region < REGIONS; region++) {
            assertEquals(Errno.OK, sim.write(volume, region * REGION_BYTES, contents(region)));
        }
        List<SimHarness.Result> reads = new ArrayList<>();
        for (int region = 0; region < REGIONS; region++) {
            reads.add(sim.start(region % 2, volume, BlockOperation.READ, region * REGION_BYTES, SECTOR, 0, null));
        }
        sim.loops.runUntilIdle();
        for (int region = 0; region < REGIONS; region++) {
            assertArrayEquals(contents(region), reads.get(region).data);
        }
        assertEquals(RegionCache.KEPT_REGIONS, regionsKnown());
    }

    @Test
    void aRegionThatIsWithdrawnWhileABlockIsLockedComesBackLocked() throws StorageException {
        open(data, 1);
        assertEquals(Errno.OK, sim.write(volume, 0, contents(1)));
        data.hold(r -> r.offsetBytes() % BLOCK == 0 && r.operation() == BlockOperation.WRITE);
        SimHarness.Result rewrite = sim.start(0, volume, BlockOperation.WRITE, 0, 100, 0, new byte[100]);
        sim.loops.runUntilIdle();
        assertFalse(rewrite.isDone());
        for (int region = 1; region < REGIONS; region++) {
            sim.read(volume, region * REGION_BYTES, SECTOR);
        }
        assertNull(volume.device().extents().region(0));
        SimHarness.Result read = sim.start(1, volume, BlockOperation.READ, 0, SECTOR, 0, null);
        SimHarness.Result write = sim.start(1, volume, BlockOperation.WRITE, 200, 100, 0, new byte[100]);
        sim.loops.runUntilIdle();
        long[] region = volume.device().extents().region(0);
        assertNotNull(region);
        assertEquals(Region.LOCKED, Region.kind(region, 0));
        assertFalse(read.isDone() || write.isDone(), "went past a rewrite of the sector");
        data.letGo(sim);
        assertEquals(Errno.OK, rewrite.errno | read.errno | write.errno);
        byte[] expected = contents(1);
        Arrays.fill(expected, 0, 100, (byte) 0);
        assertArrayEquals(Arrays.copyOf(expected, 100), Arrays.copyOf(read.data, 100));
        Arrays.fill(expected, 200, 300, (byte) 0);
        assertArrayEquals(expected, sim.read(volume, 0, SECTOR));
    }

    @Test
    void whatAVolumeTookIsBackWhenItIsResizedRolledBackOrDeleted() throws StorageException {
        open(data, LIMIT_WORDS);
        for (int i = 0; i < 3; i++) {
            use();
            sim.await(sim.pool.resizeVolume("v", REGIONS * REGION_BYTES, false));
            assertEquals(0, volume.device().extents().words());
        }
        use();
        sim.snapshot("v", "s").close();
        volume.close();
        sim.await(sim.pool.rollBack("v", "s", "kept"));
        volume = sim.pool.openVolume("v");
        assertEquals(0, volume.device().extents().words());
        use();
        volume.close();
        sim.await(sim.pool.deleteVolume("v"));
        // Entries of the queue, until their turn comes.
        assertEquals(
                5L * REGIONS * 8 * Long.BYTES,
                sim.pool.counters().extentMapBytes.sum());
    }

    private void use() throws StorageException {
        for (int region = 0; region < REGIONS; region++) {
            assertEquals(Errno.OK, sim.write(volume, region * REGION_BYTES, contents(region)));
        }
        checkBound();
    }

    /** Counts anew what the extents take, and compares what is counted as it changes. */
    private void checkBound() {
        long counted = sim.pool.counters().extentMapBytes.sum() / Long.BYTES;
        long present = extentWords();
        assertTrue(present <= LIMIT_WORDS, () -> present + " words of extents");
        assertTrue(counted <= LIMIT_WORDS, () -> counted + " words are counted");
        assertTrue(present < counted, () -> present + " words of extents, counted " + counted);
    }

    private long extentWords() {
        long words = 0;
        for (long number = 0; number < REGIONS; number++) {
            long[] region = volume.device().extents().region(number);
            words += region == null ? 0 : 2L * Region.count(region);
        }
        return words;
    }

    private int regionsKnown() {
        int known = 0;
        for (long number = 0; number < REGIONS; number++) {
            known += volume.device().extents().region(number) == null ? 0 : 1;
        }
        return known;
    }

    private static byte[] contents(int number) {
        ByteBuffer sector = ByteBuffer.allocate(SECTOR);
        while (sector.hasRemaining()) {
            sector.putInt(number + 1);
        }
        return sector.array();
    }

    private static int[] shuffled(int count) {
        int[] order = new int[count];
        SplittableRandom random = Seeds.splittable(count);
        for (int i = 0; i < count; i++) {
            int other = random.nextInt(i + 1);
            order[i] = order[other];
            order[other] = i;
        }
        return order;
    }
}

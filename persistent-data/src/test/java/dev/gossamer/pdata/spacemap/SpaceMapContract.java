package dev.gossamer.pdata.spacemap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.FrozenTransaction;
import dev.gossamer.pdata.check.TestPool;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What both space maps promise. */
abstract class SpaceMapContract {
    private static final int METADATA_BLOCKS = 17_000;

    final SimulatedDisk disk = new SimulatedDisk(METADATA_BLOCKS * 4096L);
    TestPool pool;

    SpaceMapContract() throws StorageException {
        pool = TestPool.format(disk, 20_000, 64);
    }

    /** The space map under test, of the present pool. */
    abstract SpaceMap map();

    abstract Class<? extends StorageException> outOfSpace();

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void noBlockIsAllocatedTwice() throws Exception {
        Set<Long> taken = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            long block = map().allocate();
            assertTrue(taken.add(block), () -> "block " + block + " was given out twice");
            assertEquals(1, map().count(block));
        }
    }

    @Test
    void allocationOfEverythingEndsInOutOfSpaceAndNotEarlier() throws Exception {
        long left = map().free();
        long given = 0;
        StorageException end = null;
        while (end == null) {
            try {
                map().allocate();
                given++;
            } catch (StorageException e) {
                end = e;
            }
        }
        assertEquals(outOfSpace(), end.getClass());
        // The metadata space map uses a few of its own blocks on the way.
        assertTrue(given <= left && given > left - 10, given + " of " + left);
        assertEquals(0, map().free());
    }

    @Test
    void aBlockThatTheLastCommitUsesIsNotAllocatedBeforeTheNext() throws Exception {
        Set<Long> freed = new HashSet<>();
        // In the way of the search, which goes upwards.
        for (long block = map().blocks() / 2; freed.size() < 50; block++) {
            map().increment(block);
            freed.add(block);
        }
        pool.commit();
        for (long block : freed) {
            map().decrement(block);
        }
        assertAllocatesNoneOf(freed);
        pool.commit();
        assertTrue(allocatesOneOf(freed), "freed blocks do not come back");
    }

    /** While a transaction is being written, a crash may lead to the state before it or to its own. */
    @Test
    void aBlockThatTheLastCommitOrTheFrozenTransactionUsesIsNotAllocated() throws Exception {
        Set<Long> freedByFrozen = new HashSet<>();
        Set<Long> freedSince = new HashSet<>();
        for (long block = map().blocks() / 2; freedSince.size() < 50; block += 2) {
            map().increment(block);
            map().increment(block + 1);
            freedByFrozen.add(block);
            freedSince.add(block + 1);
        }
        pool.commit();
        for (long block : freedByFrozen) {
            map().decrement(block);
        }
        FrozenTransaction frozen = pool.freeze();
        assertAllocatesNoneOf(freedByFrozen);
        for (long block : freedSince) {
            map().decrement(block);
        }
        Set<Long> both = new HashSet<>(freedByFrozen);
        both.addAll(freedSince);
        assertAllocatesNoneOf(both);
        long free = map().free();
        for (long block : freedByFrozen) {
            assertEquals(1, map().committedCount(block), "the last commit is still the one before");
        }
        pool.blocks.writer().writeNow(frozen, null);
        pool.tx.committed();
        assertTrue(map().free() >= free + freedByFrozen.size(), "freed blocks do not come back");
        for (long block : freedByFrozen) {
            assertEquals(0, map().committedCount(block));
        }
        for (long block : freedSince) {
            assertEquals(1, map().committedCount(block));
        }
        Set<Long> taken = takeAndGiveBack();
        assertFalse(Collections.disjoint(taken, freedByFrozen), "freed blocks do not come back");
        assertTrue(Collections.disjoint(taken, freedSince), "a block of the last commit was given out");
        pool.commit();
        assertTrue(allocatesOneOf(freedSince), "freed blocks do not come back");
    }

    @Test
    void freeAndAllocatedFollowTheCounts() throws Exception {
        pool.commit();
        long block = map().allocate();
        pool.commit();
        long free = map().free();
        long allocated = map().allocated();
        map().increment(block);
        map().increment(block);
        map().decrement(block);
        map().decrement(block);
        map().decrement(block);
        // The bitmap itself moved once; beyond that the freed block is neither allocated nor free yet.
        long moved = map().allocated() - (allocated - 1);
        assertTrue(moved >= 0 && moved <= 2, () -> "allocated changed by " + moved);
        assertTrue(map().free() <= free, "a freed block counts as free before the commit");
        pool.commit();
        assertEquals(map().blocks() - map().allocated(), map().free());
        assertEquals(allocated - 1, map().allocated());
    }

    @Test
    void aCountBelowZeroIsAnErrorThatNamesTheBlock() throws Exception {
        long block = map().blocks() - 5;
        MetadataCorrupt e = assertThrows(MetadataCorrupt.class, () -> map().decrement(block));
        assertTrue(e.getMessage().contains("block " + block), e.getMessage());
    }

    @Test
    void aBlockBeyondTheEndIsAnError() {
        long end = map().blocks();
        assertThrows(MetadataCorrupt.class, () -> map().increment(end));
        assertThrows(MetadataCorrupt.class, () -> map().count(-1));
    }

    @Test
    void randomCountsAreRememberedThroughTheOverflowTreeAndReopening() throws Exception {
        long seed = 5;
        SplittableRandom random = Seeds.splittable(seed);
        Map<Long, Long> expected = new HashMap<>();
        // Blocks far from what is in use by the pool itself; enough for an overflow tree of two levels.
        long first = map().blocks() - 2000;
        for (int i = 0; i < 30_000; i++) {
            long block = first + random.nextLong(1500);
            long count = expected.getOrDefault(block, 0L);
            boolean up = count == 0 || random.nextInt(100) < (i < 20_000 ? 60 : 30);
            if (up) {
                map().increment(block);
            } else {
                map().decrement(block);
            }
            expected.put(block, count + (up ? 1 : -1));
            if (i % 1000 == 999) {
                reopen();
                for (long b = first; b < first + 1500; b++) {
                    assertEquals(expected.getOrDefault(b, 0L), map().count(b), "seed " + seed + ", block " + b);
                }
            }
        }
        assertTrue(expected.containsValue(7L), "no large counts");
        assertFalse(map().isShared(first - 1));
    }

    @Test
    void growthKeepsCountsAndMakesRoom() throws Exception {
        long block = map().allocate();
        long blocks = map().blocks();
        long free = map().free();
        long added = 40_000;
        disk.resize((METADATA_BLOCKS + added) * 4096L);
        pool.blocks.grow(METADATA_BLOCKS + added);
        map().extend(blocks + added);
        assertEquals(blocks + added, map().blocks());
        assertTrue(map().free() > free + added - 10);
        reopen();
        assertEquals(blocks + added, map().blocks());
        assertEquals(1, map().count(block));
        assertEquals(0, map().count(blocks + added - 1));
    }

    void reopen() throws StorageException {
        pool.commit();
        pool.close();
        pool = TestPool.open(disk, 64);
    }

    private void assertAllocatesNoneOf(Set<Long> blocks) throws StorageException {
        assertFalse(allocatesOneOf(blocks), "a block of the last commit was given out");
    }

    /** Whether going once around the map meets one of the blocks. Gives back what it takes. */
    boolean allocatesOneOf(Set<Long> blocks) throws StorageException {
        return !Collections.disjoint(takeAndGiveBack(), blocks);
    }

    private Set<Long> takeAndGiveBack() throws StorageException {
        Set<Long> taken = new HashSet<>();
        // Some room is left for what the map needs for itself.
        for (long i = map().free() - 20; i > 0; i--) {
            taken.add(map().allocate());
        }
        for (long block : taken) {
            map().decrement(block);
        }
        return taken;
    }
}

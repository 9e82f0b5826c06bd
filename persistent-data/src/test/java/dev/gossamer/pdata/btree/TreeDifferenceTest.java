package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.check.TestPool;
import dev.gossamer.pdata.spacemap.SealedBlock;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TreeDifferenceTest {
    private static final int NODE_SALT = 121107;
    private static final int UNLIMITED = Integer.MAX_VALUE;

    /** Equal if all but the lowest 8 bits are: as mappings are, whatever their time. */
    private static final ValueType TYPE = new ValueType() {
        @Override
        public int sizeBytes() {
            return Long.BYTES;
        }

        @Override
        public boolean isEqual(long[] before, long[] after) {
            return before[0] >>> 8 == after[0] >>> 8;
        }
    };

    private final SimulatedDisk disk = new SimulatedDisk(64 << 20);
    private final long[] value = new long[1];
    private TestPool pool;
    private BTree tree;
    private TreeDifference difference;

    @BeforeEach
    void makeAPool() throws Exception {
        pool = TestPool.format(disk, 0, 64);
        bind();
    }

    @AfterEach
    void close() {
        pool.close();
    }

    private void bind() {
        tree = new BTree(pool.tx, TYPE);
        difference = new TreeDifference(tree);
    }

    @Test
    void aTreeDoesNotDifferFromItselfAndIsNotEvenRead() throws Exception {
        long root = filled(100_000);
        difference.compare(root, root, 0, -1, 1, UNLIMITED);
        assertEquals(0, difference.ranges());
        assertEquals(-1, difference.doneTo());
        assertEquals(0, difference.nodesRead());
    }

    @Test
    void valuesThatTheTypeCallsEqualDoNotDiffer() throws Exception {
        long root = filled(1000);
        long copy = clone(root);
        copy = put(copy, 500, 500 << 8 | 7);
        difference.compare(root, copy, 0, -1, 1, UNLIMITED);
        assertEquals(0, difference.ranges());
        copy = put(copy, 500, 499 << 8);
        assertEquals(List.of("500..501"), compare(root, copy, 0, -1));
    }

    @Test
    void againstNothingEverythingDiffers() throws Exception {
        long root = filled(1000);
        assertEquals(List.of("0..1000"), compare(root, BTree.NO_TREE, 0, -1));
        assertEquals(List.of("0..1000"), compare(BTree.NO_TREE, root, 0, -1));
        assertEquals(List.of("0..1000"), compare(tree.create(), root, 0, -1));
        assertEquals(List.of(), compare(tree.create(), BTree.NO_TREE, 0, -1));
        assertEquals(List.of("5..9"), compare(tree.create(), root, 5, 9));
        assertEquals(List.of(), compare(tree.create(), root, 9, 9));
    }

    @Test
    void oneChangeAmongAHundredThousandMappingsIsFoundWithAHandfulOfReads() throws Exception {
        long root = filled(100_000);
        for (long key : new long[] {0, 50_000, 99_999}) {
            pool.commit();
            long copy = clone(root);
            copy = put(copy, key, -1);
            pool.commit();
            reopen();
            long before = pool.blocks.reads();
            assertEquals(List.of(key + ".." + (key + 1)), compare(root, copy, 0, -1));
            long reads = pool.blocks.reads() - before;
            // Two paths of three levels, and two more down to key 0 to learn how high the trees are.
            assertTrue(reads <= 12, () -> reads + " reads for one changed key");
        }
    }

    @Test
    void aKeyRemovedAtTheFrontDoesNotPutTheWalksOutOfStep() throws Exception {
        long root = filled(100_000);
        pool.commit();
        // Takes whole leaves from the front, so that nodes of the two trees no longer begin at the same keys.
        long copy = tree.removeRange(clone(root), 0, 1000);
        pool.commit();
        reopen();
        long before = pool.blocks.reads();
        assertEquals(List.of("0..1000"), compare(root, copy, 0, -1));
        long reads = pool.blocks.reads() - before;
        assertTrue(reads <= 16, () -> reads + " reads for a thousand keys at the front");
    }

    @Test
    void limitsStopItAndItCanBeResumed() throws Exception {
        long root = filled(10_000);
        long copy = clone(root);
        for (long key = 0; key < 10_000; key += 100) {
            copy = put(copy, key, -1);
        }
        difference.compare(root, copy, 50, -1, 3, UNLIMITED);
        assertEquals(3, difference.ranges());
        assertEquals(100, difference.from(0));
        assertEquals(300, difference.from(2));
        assertEquals(400, difference.doneTo());

        difference.compare(root, copy, 50, -1, UNLIMITED, 1);
        assertTrue(Long.compareUnsigned(difference.doneTo(), 50) > 0, "no progress");
        assertTrue(difference.doneTo() < 1000, "one node may not lead further than a leaf");
    }

    @Test
    void keysAreUnsigned() throws Exception {
        long root = put(put(tree.create(), -5, 0), 5, 0);
        assertEquals(List.of("5..6", "-5..-4"), compare(root, tree.create(), 0, -1));
        assertEquals(List.of("-5..-4"), compare(root, tree.create(), Long.MIN_VALUE, -1));
    }

    @Test
    void aTreeThatLeadsBackToItselfIsReported() throws Exception {
        long root = filled(1000);
        long other = put(tree.create(), 3, 0);
        pool.commit();
        // Child 1 of the root becomes the root itself.
        SealedBlock.edit(disk, root, NODE_SALT, block -> block.putLong(32 + 8 * 252 + 8, root));
        reopen();
        assertThrows(MetadataCorrupt.class, () -> difference.compare(root, other, 0, -1, 100, UNLIMITED));
    }

    @Test
    void theCursorTellsWhetherAnotherRootLeadsToTheEntry() throws Exception {
        long root = filled(100_000);
        assertFalse(isShared(root, 0));
        long copy = clone(root);
        assertTrue(isShared(root, 0) && isShared(copy, 99_999), "the root itself has two parents");
        copy = put(copy, 50_000, -1);
        assertFalse(isShared(root, 50_000), "the way to the changed leaf was copied");
        assertFalse(isShared(copy, 50_001));
        assertTrue(isShared(root, 0) && isShared(copy, 0) && isShared(copy, 99_999), "the other ways were not");
        BTreeCursor cursor = tree.cursor(copy, 0);
        int unshared = 0;
        while (cursor.next()) {
            unshared += cursor.isPathShared() ? 0 : 1;
        }
        int inOneLeaf = unshared;
        assertTrue(inOneLeaf >= 84 && inOneLeaf <= 252, () -> inOneLeaf + " entries that are not shared");
        tree.delete(copy);
        assertFalse(isShared(root, 0), "nobody else is left");
    }

    @Test
    void aMetadataSnapshotSharesTheWayToEveryDevice() throws Exception {
        pool.dataMap.extend(10);
        pool.createDevice(3);
        pool.createDevice(5);
        pool.provision(3, 0);
        pool.commit();
        assertFalse(pool.mappings.isUpperPathShared(pool.mappingRoot, 3));
        pool.reserveHeld();
        assertTrue(pool.mappings.isUpperPathShared(pool.mappingRoot, 3));
        // The change copies the upper node; below it the old subtree has two parents now, but the changed one does not.
        pool.provision(3, 1);
        assertFalse(pool.mappings.isUpperPathShared(pool.mappingRoot, 3));
        BTreeCursor changed = pool.mappings.cursor(pool.mappingRoot, 3, 0);
        assertTrue(changed.next());
        assertFalse(changed.isPathShared());
        pool.releaseHeld();
        assertFalse(pool.mappings.isUpperPathShared(pool.mappingRoot, 5));
    }

    @Test
    void theCursorCountsItsLeaves() throws Exception {
        long root = filled(1000);
        BTreeCursor cursor = tree.cursor(root, 0);
        int entries = 0;
        while (cursor.next()) {
            entries++;
            assertTrue(cursor.leavesRead() <= 1 + entries / 84, "a leaf holds at least 84 entries");
        }
        assertTrue(cursor.leavesRead() >= 4, "and at most 252");
    }

    /** Versions of one tree, each made from another by random changes; any two are compared, in random portions. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void differencesAreThoseOfTheModels(long seed) throws Exception {
        SplittableRandom random = Seeds.splittable(seed);
        // Dense, or so sparse that ranges never touch.
        long keys = seed % 2 == 0 ? 3000 : 1_000_000_000_000L;
        List<Long> roots = new ArrayList<>(List.of(tree.create()));
        List<TreeMap<Long, Long>> models = new ArrayList<>(List.of(new TreeMap<>()));
        long nextValue = 1;
        for (int step = 0; step < 400; step++) {
            int which = random.nextInt(roots.size());
            if (random.nextInt(20) == 0 && roots.size() < 5) {
                roots.add(clone(roots.get(which)));
                models.add(new TreeMap<>(models.get(which)));
            } else if (random.nextInt(40) == 0 && roots.size() > 1) {
                tree.delete(roots.remove(which));
                models.remove(which);
            } else if (random.nextInt(3) > 0) {
                long first = random.nextLong(keys);
                boolean run = random.nextBoolean();
                for (int i = random.nextInt(300); i >= 0; i--) {
                    long key = run ? first + i : random.nextLong(keys);
                    // Now and then the same value under another time.
                    Long old = models.get(which).get(key);
                    long next = old != null && random.nextInt(3) == 0 ? old ^ 1 : nextValue++ << 8;
                    roots.set(which, put(roots.get(which), key, next));
                    models.get(which).put(key, next);
                }
            } else {
                long from = random.nextLong(keys);
                long to = Math.min(keys, from + random.nextLong(keys / 4));
                roots.set(which, tree.removeRange(roots.get(which), from, to));
                models.get(which).subMap(from, to).clear();
            }
            int left = random.nextInt(roots.size());
            int right = random.nextInt(roots.size());
            long from = random.nextBoolean() ? 0 : random.nextLong(keys);
            long to = random.nextBoolean() ? keys + 1000 : from + random.nextLong(keys);
            assertEquals(
                    differingKeys(models.get(left), models.get(right), from, to),
                    inPortions(roots.get(left), roots.get(right), from, to, random),
                    "seed " + seed + " step " + step);
        }
    }

    private static List<String> differingKeys(
            NavigableMap<Long, Long> left, NavigableMap<Long, Long> right, long from, long to) {
        TreeMap<Long, Long> all = new TreeMap<>(left.subMap(from, true, to, false));
        all.putAll(right.subMap(from, true, to, false));
        List<String> ranges = new ArrayList<>();
        long start = 0;
        long end = -1;
        for (long key : all.keySet()) {
            Long a = left.get(key);
            Long b = right.get(key);
            if (a != null && b != null && a >>> 8 == b >>> 8) {
                continue;
            }
            if (key != end) {
                if (end >= 0) {
                    ranges.add(start + ".." + end);
                }
                start = key;
            }
            end = key + 1;
        }
        if (end >= 0) {
            ranges.add(start + ".." + end);
        }
        return ranges;
    }

    /** Compares with random limits and puts the portions together. */
    private List<String> inPortions(long left, long right, long from, long to, SplittableRandom random)
            throws StorageException {
        List<long[]> ranges = new ArrayList<>();
        long at = from;
        while (at < to) {
            int maxRanges = random.nextBoolean() ? UNLIMITED : 1 + random.nextInt(5);
            int maxNodes = random.nextBoolean() ? UNLIMITED : random.nextInt(10);
            difference.compare(left, right, at, to, maxRanges, maxNodes);
            assertTrue(difference.doneTo() > at, "no progress");
            for (int i = 0; i < difference.ranges(); i++) {
                long first = difference.from(i);
                assertTrue(first >= at && difference.to(i) <= difference.doneTo(), "reported outside what was done");
                if (!ranges.isEmpty() && ranges.getLast()[1] == first) {
                    ranges.getLast()[1] = difference.to(i);
                } else {
                    ranges.add(new long[] {first, difference.to(i)});
                }
            }
            at = difference.doneTo();
        }
        return ranges.stream().map(range -> range[0] + ".." + range[1]).toList();
    }

    private List<String> compare(long left, long right, long from, long to) throws StorageException {
        difference.compare(left, right, from, to, 1000, UNLIMITED);
        assertEquals(to, difference.doneTo());
        List<String> ranges = new ArrayList<>();
        for (int i = 0; i < difference.ranges(); i++) {
            ranges.add(difference.from(i) + ".." + difference.to(i));
        }
        return ranges;
    }

    private boolean isShared(long root, long key) throws StorageException {
        BTreeCursor cursor = tree.cursor(root, key);
        assertTrue(cursor.next());
        return cursor.isPathShared();
    }

    private long clone(long root) throws StorageException {
        pool.tx.increment(root);
        return root;
    }

    private long filled(int entries) throws StorageException {
        long root = tree.create();
        for (long key = 0; key < entries; key++) {
            root = put(root, key, key << 8);
        }
        return root;
    }

    private long put(long root, long key, long newValue) throws StorageException {
        value[0] = newValue;
        return tree.insert(root, key, value);
    }

    private void reopen() throws StorageException {
        pool.close();
        pool = TestPool.open(disk, 64);
        bind();
    }
}

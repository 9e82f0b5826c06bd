package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.check.TestPool;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random changes to some trees that share nodes, against TreeMaps; leaf references are counted and compared as well.
 */
final class BTreeModelTest {

    /** Counts references per first word of the values, as a data space map would. */
    private static final class CountingType implements ValueType {
        final Map<Long, Integer> counts = new HashMap<>();
        final int bytes;

        CountingType(int bytes) {
            this.bytes = bytes;
        }

        @Override
        public int sizeBytes() {
            return bytes;
        }

        @Override
        public void increment(long[] value) {
            counts.merge(value[0], 1, Integer::sum);
        }

        @Override
        public void decrement(long[] value) {
            int left = counts.merge(value[0], -1, Integer::sum);
            assertTrue(left >= 0, "a value lost more references than it had");
            if (left == 0) {
                counts.remove(value[0]);
            }
        }

        @Override
        public boolean isEqual(long[] before, long[] after) {
            return before[0] == after[0];
        }
    }

    private CountingType type;
    private BTree tree;
    private TestPool pool;
    private SplittableRandom random;
    private long keys;
    private long nextValue;
    private final List<Long> roots = new ArrayList<>();
    // Keys are unsigned.
    private final List<TreeMap<Long, Long>> models = new ArrayList<>();

    @ParameterizedTest
    @CsvSource({
        // seed, value bytes, keys, steps
        "1, 8, 1000, 4000",
        "2, 4, 3000, 4000",
        "3, 16, 20000, 3000",
        "4, 24, 20000, 3000",
        "5, 8, 100000, 4000",
        "6, 8, 9000000000000000000, 3000",
    })
    void treesHoldWhatMapsHoldKeepTheRulesAndGiveEverythingBack(long seed, int valueBytes, long keyRange, int steps)
            throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        random = Seeds.splittable(seed);
        keys = keyRange;
        type = new CountingType(valueBytes);
        int deepest = 0;
        String last = "";
        try (TestPool opened = TestPool.format(disk, 0, 64)) {
            pool = opened;
            tree = new BTree(pool.tx, type);
            long allocatedBefore = pool.metadataMap.allocated();
            roots.add(tree.create());
            models.add(new TreeMap<>(Long::compareUnsigned));
            for (int step = 0; step < steps; step++) {
                last = "step " + step + ": " + step();
                if (step % 100 == 99) {
                    pool.commit();
                    deepest = Math.max(deepest, verify());
                }
            }
            last = "deletion of all";
            while (!roots.isEmpty()) {
                tree.delete(roots.remove(0));
            }
            pool.commit();
            assertEquals(Map.of(), type.counts);
            assertEquals(allocatedBefore, pool.metadataMap.allocated());
            assertTrue(deepest >= 2, "the trees stayed too small to mean anything");
        } catch (StorageException | AssertionError e) {
            throw new AssertionError("seed " + seed + ", " + last, e);
        }
    }

    private String step() throws StorageException {
        int which = random.nextInt(roots.size());
        int dice = random.nextInt(100);
        if (dice < 2 && roots.size() < 4) {
            pool.tx.increment(roots.get(which));
            roots.add(roots.get(which));
            models.add(new TreeMap<>(models.get(which)));
            return "clone " + which;
        }
        if (dice < 3 && roots.size() > 1) {
            tree.delete(roots.remove(which));
            models.remove(which);
            return "delete " + which;
        }
        if (dice < 45) {
            return insertSome(which);
        }
        if (dice < 80) {
            return removeSome(which);
        }
        return removeRange(which);
    }

    private String insertSome(int which) throws StorageException {
        long first = random.nextLong(keys);
        boolean run = random.nextBoolean();
        int count = 1 + random.nextInt(120);
        for (int i = 0; i < count; i++) {
            long key = run ? first + i : random.nextLong(keys);
            long[] value = new long[tree.valueWords];
            value[0] = nextValue++;
            type.increment(value);
            roots.set(which, tree.insert(roots.get(which), key, value));
            boolean created = models.get(which).put(key, value[0]) == null;
            assertEquals(created, tree.insertCreatedKey());
        }
        return "insert " + count + " into " + which;
    }

    private String removeSome(int which) throws StorageException {
        List<Long> present = new ArrayList<>(models.get(which).keySet());
        int count = random.nextInt(80);
        for (int i = 0; i < count && !present.isEmpty(); i++) {
            boolean absent = random.nextInt(8) == 0;
            long key = absent ? random.nextLong(keys) : present.remove(random.nextInt(present.size()));
            boolean removed = models.get(which).remove(key) != null;
            present.remove(key);
            roots.set(which, tree.remove(roots.get(which), key));
            assertEquals(removed ? 1 : 0, tree.removedCount());
        }
        return "remove " + count + " of " + which;
    }

    private String removeRange(int which) throws StorageException {
        long from = random.nextLong(keys);
        long to = random.nextInt(10) == 0 ? keys + 1000 : from + random.nextLong(keys / 20 + 2);
        Map<Long, Long> range = models.get(which).subMap(from, to);
        long expected = range.size();
        range.clear();
        roots.set(which, tree.removeRange(roots.get(which), from, to));
        assertEquals(expected, tree.removedCount());
        return "remove " + from + ".." + to + " of " + which;
    }

    private int verify() throws StorageException {
        int levels = 0;
        for (int i = 0; i < roots.size(); i++) {
            long root = roots.get(i);
            TreeMap<Long, Long> model = models.get(i);
            levels = Math.max(levels, new TreeRules(tree).check(root));
            TreeMap<Long, Long> found = new TreeMap<>();
            BTreeCursor cursor = tree.cursor(root, 0);
            while (cursor.next()) {
                found.put(cursor.key(), cursor.value(0));
            }
            assertEquals(model, found);
            assertEquals(model.isEmpty() ? -1 : model.firstKey(), tree.lowestKey(root));
            assertEquals(model.isEmpty() ? -1 : model.lastKey(), tree.highestKey(root));
            long[] value = new long[tree.valueWords];
            for (int n = 0; n < 50; n++) {
                long key = random.nextLong(keys);
                assertEquals(model.containsKey(key), tree.lookup(root, key, value));
                BTreeCursor from = tree.cursor(root, key);
                Long next = model.ceilingKey(key);
                assertEquals(next, from.next() ? Long.valueOf(from.key()) : null);
            }
        }
        return levels;
    }
}

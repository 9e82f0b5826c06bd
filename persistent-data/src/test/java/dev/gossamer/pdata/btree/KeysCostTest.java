package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.check.TestPool;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Inserting and removing keys takes no more blocks than was said beforehand, in trees whose nodes are nearly full. */
final class KeysCostTest {
    private static final int ROUNDS = 400;
    private static final int ROOT_FULL = NodeLayout.maxEntriesFor(NodeLayout.CHILD_BYTES);
    private static final int LEAF_FULL = NodeLayout.maxEntriesFor(24);
    private static final long STRIDE = 1000;

    private TestPool pool;
    private BTree tree;
    private long root;
    private long[] value;
    private SplittableRandom random;

    // Large values make small leaves, and with few keys inner nodes that are full.
    @ParameterizedTest
    @CsvSource({
        // seed, value bytes, keys in the beginning
        "1, 4, 30000",
        "2, 8, 30000",
        "3, 24, 14000",
        "4, 24, 20000",
        "5, 24, 26000",
        "6, 24, 60000"
    })
    void keysTakeNoMoreThanIsSaid(long seed, int valueBytes, int keys) throws StorageException {
        random = Seeds.splittable(seed);
        value = new long[Math.max(1, valueBytes / Long.BYTES)];
        try (TestPool opened = TestPool.format(new SimulatedDisk(256 << 20), 0, 64)) {
            pool = opened;
            tree = new BTree(pool.tx, ValueType.plain(valueBytes));
            root = tree.create();
            fill(keys);
            for (int round = 0; round < ROUNDS; round++) {
                String where = "seed " + seed + ", round " + round;
                boolean removes = random.nextInt(4) == 0;
                change(some(), removes, where);
                if (random.nextInt(3) > 0) {
                    pool.commit();
                }
            }
        }
    }

    /** In runs up and down, and at random: nodes of all degrees of fullness. */
    private void fill(int keys) throws StorageException {
        long at = 0;
        int step = 1;
        for (int i = 0; i < keys; i++) {
            if (random.nextInt(200) == 0) {
                at = random.nextInt(1 << 30);
                step = random.nextBoolean() ? 64 : -64;
            }
            at = Math.max(0, at + step);
            root = tree.insert(root, random.nextInt(4) == 0 ? random.nextInt(1 << 30) : at, value);
        }
        pool.commit();
    }

    /** Ascending keys: close together, or all over. */
    private long[] some() {
        int count = 1 + random.nextInt(random.nextBoolean() ? 8 : 600);
        long from = random.nextInt(1 << 30);
        long span = random.nextInt(3) == 0 ? 1L << 30 : (long) count * (1 + random.nextInt(5000));
        return random.longs(count, from, from + span + 1).sorted().distinct().toArray();
    }

    /** The root has room for one child more, and full leaves: who splits one, and who passes by then. */
    @Test
    void anInnerNodeThatGetsFullIsSplitByTheNextKey() throws StorageException {
        random = Seeds.splittable(8);
        value = new long[3];
        SimulatedDisk disk = new SimulatedDisk(2 << 20);
        long built;
        try (TestPool opened = TestPool.format(disk, 0, 1024)) {
            pool = opened;
            tree = new BTree(pool.tx, ValueType.plain(24));
            root = tree.create();
            for (long key = 0; NodeLayout.isLeaf(tree.readRoot(root)) || rootEntries() < ROOT_FULL - 1; key += STRIDE) {
                root = tree.insert(root, key, value);
            }
            for (int leaf = 0; leaf < ROOT_FULL - 4; leaf++) {
                int entries = LEAF_FULL - (random.nextInt(4) == 0 ? 0 : 8 + random.nextInt(3));
                for (long key = lowest(leaf) + 50; entries(leaf) < entries; key += 50) {
                    root = tree.insert(root, key, value);
                }
                for (long key = lowest(leaf) + 5 * STRIDE; entries(leaf) > entries; key += STRIDE) {
                    root = tree.remove(root, key);
                }
            }
            assertEquals(ROOT_FULL - 1, rootEntries());
            built = root;
            pool.commit();
        }
        for (int round = 0; round < 2000; round++) {
            try (TestPool opened = TestPool.open(disk.copy(new PowerSupply()), 1024)) {
                pool = opened;
                tree = new BTree(pool.tx, ValueType.plain(24));
                root = built;
                change(intoOneLeafAndBehind(), false, "round " + round);
            }
        }
    }

    private int rootEntries() throws StorageException {
        return NodeLayout.entries(tree.readRoot(root));
    }

    private int entries(int leaf) throws StorageException {
        return NodeLayout.entries(tree.read(NodeLayout.child(tree.readRoot(root), leaf)));
    }

    private long lowest(int leaf) throws StorageException {
        return NodeLayout.key(tree.readRoot(root), leaf);
    }

    private long[] intoOneLeafAndBehind() throws StorageException {
        int leaf = 3 + random.nextInt(ROOT_FULL - 10);
        long from = lowest(leaf) + 1;
        // Some into what a neighbour on the left takes, and some behind that.
        LongStream left = random.longs(1 + random.nextInt(12), from, from + 1 + random.nextInt(300));
        LongStream right = random.longs(random.nextInt(40), from, lowest(leaf + 1));
        long[] keys = LongStream.concat(left, right).sorted().distinct().toArray();
        long[] all = Arrays.copyOf(keys, keys.length + 1);
        all[keys.length] = lowest(ROOT_FULL - 3) + 1;
        return all;
    }

    /** What counting blocks takes is the commit's. */
    private long left() throws StorageException {
        return pool.metadataMap.free() - pool.metadataMap.commitCost();
    }

    private void change(long[] keys, boolean removes, String where) throws StorageException {
        long charged = new KeysCost(tree).of(root, keys, keys.length, !removes, removes);
        long left = left();
        for (long key : keys) {
            root = removes ? tree.remove(root, key) : tree.insert(root, key, value);
        }
        long taken = left - left();
        assertTrue(
                taken <= charged,
                () -> where + ": " + keys.length + " keys took " + taken + " blocks, charged " + charged + ": "
                        + Arrays.toString(Arrays.copyOf(keys, Math.min(20, keys.length))));
    }
}

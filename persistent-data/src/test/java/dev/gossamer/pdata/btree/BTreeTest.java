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
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class BTreeTest {
    private static final int NODE_SALT = 121107;

    private final SimulatedDisk disk = new SimulatedDisk(64 << 20);
    private final long[] value = new long[1];
    private TestPool pool;
    private BTree tree;
    private long root;

    @BeforeEach
    void makeAnEmptyTree() throws Exception {
        pool = TestPool.format(disk, 0, 64);
        tree = new BTree(pool.tx, ValueType.plain(8));
        root = tree.create();
    }

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void anEmptyTreeHasNoKeys() throws Exception {
        assertFalse(tree.lookup(root, 0, value));
        assertEquals(-1, tree.lowestKey(root));
        assertEquals(-1, tree.highestKey(root));
        assertFalse(tree.cursor(root, 0).next());
        assertEquals(root, tree.remove(root, 5));
        assertEquals(root, tree.removeRange(root, 0, -1));
    }

    @Test
    void aTreeOfThreeLevelsCanBeFilledAndEmptiedInEitherOrder() throws Exception {
        fillAscending(100_000);
        assertEquals(3, new TreeRules(tree).check(root));
        for (long key = 0; key < 100_000; key++) {
            root = tree.remove(root, key * 10);
            if (key % 5000 == 0) {
                new TreeRules(tree).check(root);
            }
        }
        assertEquals(-1, tree.lowestKey(root));
        assertEquals(1, new TreeRules(tree).check(root));
        for (long key = 40_000; key > 0; key--) {
            put(key);
        }
        new TreeRules(tree).check(root);
        assertEquals(1, tree.lowestKey(root));
        assertEquals(40_000, tree.highestKey(root));
    }

    @Test
    void removingEverythingAsOneRangeLeavesOneEmptyLeaf() throws Exception {
        fillAscending(100_000);
        root = tree.removeRange(root, 0, -1);
        assertEquals(100_000, tree.removedCount());
        assertEquals(1, new TreeRules(tree).check(root));
        assertEquals(-1, tree.highestKey(root));
        long empty = pool.metadataMap.allocated();
        tree.delete(root);
        assertEquals(empty - 1, pool.metadataMap.allocated());
    }

    @Test
    void aRangeIsClosedBelowAndOpenAbove() throws Exception {
        fillAscending(10);
        root = tree.removeRange(root, 20, 50);
        assertEquals(3, tree.removedCount());
        assertTrue(tree.lookup(root, 10, value));
        assertFalse(tree.lookup(root, 20, value));
        assertTrue(tree.lookup(root, 50, value));
    }

    @Test
    void removingALargeRangeOfASharedTreeClonesOnlyTheEdges() throws Exception {
        fillAscending(100_000);
        pool.commit();
        pool.tx.increment(root);
        long before = pool.metadataMap.allocated();
        long copy = tree.removeRange(root, 100_000, 900_000);
        assertEquals(80_000, tree.removedCount());
        long cloned = pool.metadataMap.allocated() - before;
        assertTrue(cloned < 40, () -> cloned + " blocks for the edges of a range of 600 leaves");
        new TreeRules(tree).check(copy);
        new TreeRules(tree).check(root);
        assertEquals(100_000, count(root));
        assertEquals(20_000, count(copy));
    }

    @Test
    void aCommittedTreeStaysAsItWasWhenACopyOfItIsChanged() throws Exception {
        fillAscending(5000);
        pool.commit();
        pool.tx.increment(root);
        long copy = root;
        SplittableRandom random = Seeds.splittable(9);
        for (int i = 0; i < 2000; i++) {
            value[0] = -1;
            copy = tree.insert(copy, random.nextLong(50_000), value);
        }
        assertEquals(5000, count(root));
        BTreeCursor cursor = tree.cursor(root, 0);
        while (cursor.next()) {
            assertEquals(cursor.key() + 1, cursor.value(0));
        }
    }

    @Test
    void absentKeysAreRemovedWithoutWritingAnything() throws Exception {
        fillAscending(5000);
        pool.commit();
        assertEquals(root, tree.remove(root, 15));
        assertEquals(root, tree.removeRange(root, 11, 20));
        assertEquals(root, tree.removeRange(root, 100, 100));
        assertFalse(pool.tx.hasChanges());
    }

    @Test
    void fourByteValuesUseAllTheirBits() throws Exception {
        BTree counts = new BTree(pool.tx, ValueType.plain(4));
        value[0] = 0xFFFFFFFFL;
        long counted = counts.insert(counts.create(), 1, value);
        value[0] = 0;
        assertTrue(counts.lookup(counted, 1, value));
        assertEquals(0xFFFFFFFFL, value[0]);
    }

    @Test
    void aTreeThatLeadsBackToItselfIsReportedAndNotFollowedForEver() throws Exception {
        fillAscending(1000);
        pool.commit();
        // Child 0 of the root becomes the root itself.
        SealedBlock.edit(disk, root, NODE_SALT, block -> block.putLong(32 + 8 * 252, root));
        reopen();
        assertThrows(MetadataCorrupt.class, () -> tree.lookup(root, 0, value));
        assertThrows(MetadataCorrupt.class, () -> tree.cursor(root, 0).next());
        assertThrows(MetadataCorrupt.class, () -> tree.insert(root, 0, value));
    }

    @Test
    void aNodeWithValuesOfAnotherSizeIsRefused() throws Exception {
        fillAscending(10);
        BTree details = new BTree(pool.tx, ValueType.plain(24));
        MetadataCorrupt e = assertThrows(MetadataCorrupt.class, () -> details.lookup(root, 0, new long[3]));
        assertTrue(e.getMessage().contains("values of 8 bytes instead of 24"), e.getMessage());
    }

    @Test
    void aNodeWithKeysOutOfOrderIsRefused() throws Exception {
        fillAscending(10);
        pool.commit();
        SealedBlock.edit(disk, root, NODE_SALT, block -> block.putLong(32 + 8 * 3, 20));
        reopen();
        MetadataCorrupt e = assertThrows(MetadataCorrupt.class, () -> tree.lookup(root, 0, value));
        assertTrue(e.getMessage().contains("key 3 does not ascend"), e.getMessage());
    }

    private void reopen() throws StorageException {
        pool.close();
        pool = TestPool.open(disk, 64);
        tree = new BTree(pool.tx, ValueType.plain(8));
    }

    private void fillAscending(int entries) throws StorageException {
        for (long i = 0; i < entries; i++) {
            put(i * 10);
        }
    }

    private void put(long key) throws StorageException {
        value[0] = key + 1;
        root = tree.insert(root, key, value);
    }

    private long count(long someRoot) throws StorageException {
        long entries = 0;
        BTreeCursor cursor = tree.cursor(someRoot, 0);
        while (cursor.next()) {
            entries++;
        }
        return entries;
    }
}

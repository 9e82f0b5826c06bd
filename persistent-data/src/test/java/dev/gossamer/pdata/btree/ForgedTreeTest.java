package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.check.TestPool;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * Trees whose blocks are intact and whose shape is a lie: every walk finds out after a few steps (D-8). The forged node
 * is always the root of one device, and the healthy one's nodes are what it leads to.
 */
class ForgedTreeTest {
    private static final int HEALTHY = 1;
    private static final long KEYS = 1000;

    /** A walk may look at this many blocks: a few ways down. */
    private static final long FEW = 2000;

    private final SimulatedDisk disk = new SimulatedDisk(4 << 20);
    private TestPool pool;
    private BTree tree;
    private final long[] value = new long[1];

    @BeforeEach
    void aPool() throws StorageException {
        pool = TestPool.format(disk, 10_000, 256);
        pool.createDevice(HEALTHY);
        for (long key = 0; key < KEYS; key++) {
            pool.provision(HEALTHY, key);
        }
        pool.commit();
        tree = pool.mappings.subtrees();
    }

    @AfterEach
    void close() {
        pool.close();
    }

    private long healthyRoot() throws StorageException {
        return pool.mappings.subtreeRoot(pool.mappingRoot, HEALTHY);
    }

    /** A node of 252 entries from key 0 on, {@code step} apart, that all lead to one child; committed, as on disk. */
    private long fan(long child, long step, int entries) throws StorageException {
        MetadataBlock node = tree.newNode(NodeLayout.INTERNAL);
        for (int i = 0; i < entries; i++) {
            NodeLayout.insertKey(node, i, i * step);
            NodeLayout.setChild(node, i, child);
        }
        return node.location();
    }

    private Map<String, Executable> walks(long root) {
        Map<String, Executable> walks = new LinkedHashMap<>();
        walks.put("lookup", () -> tree.lookup(root, 77, value));
        walks.put("lookupForInsert", () -> tree.lookupForInsert(root, 77, value));
        walks.put("highestKey", () -> tree.highestKey(root));
        walks.put("cursor", () -> {
            BTreeCursor cursor = tree.cursor(root, 0);
            long last = -1;
            while (cursor.next()) {
                assertTrue(cursor.key() > last, "keys ascend");
                last = cursor.key();
            }
        });
        walks.put("missing", () -> {
            MissingNodes missing = new MissingNodes();
            // What it finds missing is read, until there is nothing left to read.
            for (int round = 0; round < 2 * BTree.MAX_DEPTH; round++) {
                missing.begin();
                missing.collect(tree, root, 0, KEYS);
                assertThrows(MetadataCorrupt.class, () -> tree.lookup(root, 77, value));
            }
        });
        walks.put("difference", () -> new TreeDifference(tree)
                .compare(root, BTree.NO_TREE, 0, KEYS, 1 << 20, Integer.MAX_VALUE));
        walks.put("private entries", () -> {
            ExclusiveEntries entries = new ExclusiveEntries(tree);
            entries.start(root, 0);
            while (entries.next()) {
                assertTrue(entries.key() >= 0);
            }
        });
        walks.put("small", () -> {
            tree.isSmall(root, 1 << 20);
            tree.lookup(root, 77, value);
        });
        walks.put("insert", () -> tree.insert(root, 77, new long[] {1L << 24}));
        walks.put("remove", () -> tree.remove(root, 77));
        walks.put("removeRange", () -> tree.removeRange(root, 0, KEYS));
        walks.put("reclaim", () -> tree.reclaim(root, 1024));
        walks.put("delete", () -> tree.delete(root));
        return walks;
    }

    private void assertAllFindOut(long root, String... exceptThese) throws StorageException {
        pool.commit();
        Map<String, Executable> walks = walks(root);
        walks.keySet().removeAll(List.of(exceptThese));
        for (Map.Entry<String, Executable> walk : walks.entrySet()) {
            long before = pool.blocks.visits();
            assertThrows(MetadataCorrupt.class, walk.getValue(), walk.getKey());
            assertTrue(pool.blocks.visits() - before < FEW, walk.getKey() + ": " + (pool.blocks.visits() - before));
            // As an abort does it: nothing of a change that failed half way remains.
            pool.close();
            pool = TestPool.open(disk, 256);
            tree = pool.mappings.subtrees();
        }
    }

    @Test
    void manyEntriesThatLeadToOneChild() throws StorageException {
        long node = healthyRoot();
        for (int levels = 0; levels < 5; levels++) {
            node = fan(node, 3, 252);
        }
        assertAllFindOut(node);
    }

    @Test
    void aChildThatIsItsOwnParent() throws StorageException {
        MetadataBlock node = tree.newNode(NodeLayout.INTERNAL);
        NodeLayout.insertKey(node, 0, 0);
        NodeLayout.setChild(node, 0, node.location());
        assertAllFindOut(node.location());
    }

    @Test
    void aChildWhoseKeysBelongElsewhere() throws StorageException {
        MetadataBlock leaf = tree.newNode(NodeLayout.LEAF);
        for (int i = 0; i < 100; i++) {
            NodeLayout.insertKey(leaf, i, 5000 + i);
            NodeLayout.setValue(leaf, i, new long[] {(long) i << 24});
        }
        // Below the last of the 100 entries they would be right.
        assertAllFindOut(fan(leaf.location(), 10, 100), "highestKey");
    }

    @Test
    void aLeafWithoutEntriesThatIsNotTheRoot() throws StorageException {
        assertAllFindOut(fan(tree.create(), 1, 252));
    }

    /** Everything is in its place but the highest key, which such a tree cannot have. */
    @Test
    void aKeyAboveTheHighestOfItsKind() throws StorageException {
        BTree bounded = new BTree(pool.tx, ValueType.plain(8), KEYS - 2);
        long root = healthyRoot();
        assertThrows(MetadataCorrupt.class, () -> bounded.highestKey(root));
        BTreeCursor cursor = bounded.cursor(root, 0);
        assertThrows(MetadataCorrupt.class, () -> {
            while (cursor.next()) {
                assertTrue(cursor.key() < KEYS - 1);
            }
        });
    }

    /** A sibling that is damaged is not needed for an insertion: it only has no room to give. */
    @Test
    void aDamagedNeighbourDoesNotFailAnInsertion() throws StorageException {
        MetadataBlock full = tree.newNode(NodeLayout.LEAF);
        int max = NodeLayout.maxEntriesFor(8);
        for (int i = 0; i < max; i++) {
            NodeLayout.insertKey(full, i, 2L * i);
            NodeLayout.setValue(full, i, new long[] {0});
        }
        MetadataBlock parent = tree.newNode(NodeLayout.INTERNAL);
        NodeLayout.insertKey(parent, 0, 0);
        NodeLayout.setChild(parent, 0, full.location());
        NodeLayout.insertKey(parent, 1, 2L * max);
        NodeLayout.setChild(parent, 1, parent.location());
        long root = tree.insert(parent.location(), 1, new long[] {1L << 24});
        assertTrue(tree.lookup(root, 1, value));
        assertEquals(1L << 24, value[0]);
        assertEquals(
                BlockValidator.BTREE_NODE,
                pool.blocks.read(root, BlockValidator.BTREE_NODE).validator());
    }
}

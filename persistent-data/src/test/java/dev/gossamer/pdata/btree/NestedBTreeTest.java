package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.check.TestPool;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Trees of trees as pools use them; the checker recounts all references. */
final class NestedBTreeTest {
    private final long[] value = new long[1];
    private TestPool pool;

    @BeforeEach
    void format() throws Exception {
        pool = TestPool.format(new SimulatedDisk(16 << 20), 20_000, 64);
    }

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void aKeyWithoutASubtreeHasNothing() throws Exception {
        assertEquals(BTree.NO_TREE, pool.mappings.subtreeRoot(pool.mappingRoot, 5));
        assertFalse(pool.mappings.lookup(pool.mappingRoot, 5, 0, value));
        assertFalse(pool.mappings.cursor(pool.mappingRoot, 5, 0).next());
        assertEquals(pool.mappingRoot, pool.mappings.removeSubtree(pool.mappingRoot, 5));
        assertThrows(MetadataCorrupt.class, () -> pool.mappings.insert(pool.mappingRoot, 5, 0, value));
    }

    @Test
    void aSubtreeIsNotReplacedByAnother() throws Exception {
        pool.createDevice(5);
        assertThrows(MetadataCorrupt.class, () -> pool.mappings.createSubtree(pool.mappingRoot, 5));
    }

    @Test
    void insertTellsWhetherTheKeyIsNewAndRemoveRangeHowManyWent() throws Exception {
        pool.createDevice(5);
        pool.provision(5, 7);
        assertTrue(pool.mappings.insertCreatedKey());
        pool.provision(5, 7);
        assertFalse(pool.mappings.insertCreatedKey());
        pool.provision(5, 8);
        assertEquals(2, pool.discard(5, 0, 100));
        assertEquals(0, pool.discard(5, 0, 100));
        assertEquals(0, pool.dataMap.allocated());
    }

    @Test
    void discardingAllButTheEndOfASharedTreeLeavesTheRestCountedForBoth() throws Exception {
        pool.createDevice(1);
        for (int i = 0; i < 2000; i++) {
            pool.provision(1, i);
        }
        pool.snapshot(1, 2);
        pool.commit();
        assertEquals(1900, pool.discard(1, 0, 1900));
        pool.commit();
        assertEquals(List.of(), pool.damage());
        assertEquals(2, pool.dataMap.count(1950));
        assertEquals(1, pool.dataMap.count(5));
        assertEquals(2000, pool.mappingsOf(2).size());
    }

    @Test
    void deletingOneOfTwoDevicesThatShareTheirTreeFreesNothing() throws Exception {
        long empty = pool.metadataMap.allocated();
        pool.createDevice(1);
        for (int i = 0; i < 2000; i++) {
            pool.provision(1, i);
        }
        pool.snapshot(1, 2);
        pool.commit();
        long metadata = pool.metadataMap.allocated();
        pool.deleteDevice(1);
        pool.commit();
        assertEquals(2000, pool.dataMap.allocated());
        assertEquals(metadata, pool.metadataMap.allocated());
        pool.deleteDevice(2);
        pool.commit();
        assertEquals(0, pool.dataMap.allocated());
        assertEquals(empty, pool.metadataMap.allocated());
        assertEquals(List.of(), pool.damage());
    }

    @Test
    void aMetadataSnapshotKeepsItsTreesWhenDevicesChangeAndGo() throws Exception {
        for (int id = 0; id < 300; id++) {
            pool.createDevice(id);
            pool.provision(id, id);
        }
        pool.reserveHeld();
        long held = pool.mappingRoot;
        pool.provision(7, 1);
        pool.deleteDevice(8);
        pool.createDevice(999);
        pool.commit();
        assertEquals(List.of(), pool.damage());
        assertTrue(pool.mappings.lookup(held, 8, 8, value));
        assertFalse(pool.mappings.lookup(held, 7, 1, value));
        assertEquals(BTree.NO_TREE, pool.mappings.subtreeRoot(held, 999));
        pool.releaseHeld();
        assertEquals(List.of(), pool.damage());
        assertEquals(300, pool.dataMap.allocated());
    }
}

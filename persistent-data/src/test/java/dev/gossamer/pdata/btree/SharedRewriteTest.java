package dev.gossamer.pdata.btree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.check.TestPool;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Values replaced in all trees that share them; the checker recounts all references. */
final class SharedRewriteTest {
    private TestPool pool;

    @BeforeEach
    void format() throws StorageException {
        pool = TestPool.format(new SimulatedDisk(16 << 20), 20_000, 64);
    }

    @AfterEach
    void close() {
        pool.close();
    }

    private void threeDevicesThatShareLeaves() throws StorageException {
        pool.createDevice(1);
        for (int i = 0; i < 1000; i++) {
            pool.provision(1, i);
        }
        pool.snapshot(1, 2);
        pool.provision(1, 500);
        pool.snapshot(2, 3);
        pool.commit();
    }

    /** Moves what the places hold to fresh blocks. @return whether it was complete */
    private boolean move(Map<Long, List<Long>> places) throws StorageException {
        SharedRewrite rewrite = pool.mappings.rewrite(pool.mappingRoot);
        for (Map.Entry<Long, List<Long>> place : places.entrySet()) {
            long subtree = pool.mappings.subtreeRoot(pool.mappingRoot, place.getKey());
            for (long key : place.getValue()) {
                rewrite.add(place.getKey(), subtree, key, value -> true);
            }
        }
        if (!rewrite.isComplete()) {
            return false;
        }
        apply(rewrite);
        return true;
    }

    private void apply(SharedRewrite rewrite) throws StorageException {
        Map<Long, Long> targets = new HashMap<>();
        for (long value : rewrite.values().keySet()) {
            long target = pool.dataMap.reserve();
            pool.dataMap.unreserve(target);
            // Counted by the rewrite; held until then by one reference of ours.
            pool.dataMap.increment(target);
            targets.put(value, withBlock(value, target));
        }
        pool.mappingRoot = rewrite.apply(targets::get);
        for (long value : targets.values()) {
            pool.dataMap.decrement(blockOf(value));
        }
    }

    private static long blockOf(long value) {
        return value >>> 24;
    }

    private static long withBlock(long value, long block) {
        return block << 24 | (value & 0xFFFFFF);
    }

    @Test
    void aLeafOfTwoTreesIsWrittenOnceAndStaysShared() throws Exception {
        threeDevicesThatShareLeaves();
        long metadata = pool.metadataMap.allocated();
        long data = pool.dataMap.allocated();
        Map<Long, Long> before = pool.mappingsOf(1);
        assertTrue(move(Map.of(1L, List.of(10L, 11L), 2L, List.of(10L, 11L), 3L, List.of(10L, 11L))));
        pool.commit();
        assertEquals(List.of(), pool.damage());
        assertEquals(metadata, pool.metadataMap.allocated(), "no node was unshared");
        assertEquals(data, pool.dataMap.allocated());
        Map<Long, Long> after = pool.mappingsOf(1);
        assertFalse(before.get(10L).equals(after.get(10L)));
        assertEquals(after.get(10L), pool.mappingsOf(2).get(10L));
        assertEquals(after.get(11L), pool.mappingsOf(3).get(11L));
        before.keySet().removeAll(List.of(10L, 11L));
        after.keySet().removeAll(List.of(10L, 11L));
        assertEquals(before, after, "nothing else has changed");
    }

    @Test
    void whatOneTreeLeavesOutIsNoticedAndNothingIsChanged() throws Exception {
        threeDevicesThatShareLeaves();
        assertFalse(move(Map.of(1L, List.of(10L), 2L, List.of(10L))), "3 has the leaf, too");
        assertFalse(move(Map.of(2L, List.of(500L))), "3 has the root, too");
        assertFalse(move(Map.of(1L, List.of(500L), 2L, List.of(10L), 3L, List.of(10L))), "1 has leaf 10");
        pool.commit();
        assertEquals(List.of(), pool.damage());
    }

    @Test
    void aMetadataSnapshotMakesEverythingIncomplete() throws Exception {
        threeDevicesThatShareLeaves();
        pool.reserveHeld();
        assertFalse(move(Map.of(1L, List.of(500L))));
        assertFalse(move(Map.of(1L, List.of(10L), 2L, List.of(10L), 3L, List.of(10L))));
        pool.releaseHeld();
        assertTrue(move(Map.of(1L, List.of(10L), 2L, List.of(10L), 3L, List.of(10L))));
        pool.commit();
        assertEquals(List.of(), pool.damage());
    }

    /** Several times in a transaction and across commits, with snapshots and writes in between. */
    @Test
    void moreOfThemInAnyOrderKeepAllCountsRight() throws Exception {
        SplittableRandom random = Seeds.splittable(3);
        List<Long> ids = new ArrayList<>(List.of(1L));
        pool.createDevice(1);
        for (int i = 0; i < 600; i++) {
            pool.provision(1, i);
        }
        for (int round = 0; round < 60; round++) {
            long id = ids.get(random.nextInt(ids.size()));
            switch (random.nextInt(5)) {
                case 0 -> {
                    long snapshot = 2L + round;
                    pool.snapshot(id, snapshot);
                    ids.add(snapshot);
                }
                case 1 -> pool.provision(id, random.nextInt(600));
                case 2 -> pool.commit();
                default -> {
                    Map<Long, List<Long>> places = new HashMap<>();
                    List<Long> keys = List.of((long) random.nextInt(600), (long) random.nextInt(600));
                    ids.forEach(each -> places.put(each, keys));
                    assertTrue(move(places), "round " + round);
                }
            }
        }
        pool.commit();
        assertEquals(List.of(), pool.damage());
    }

    @Test
    void aSearchTellsEachLeafOnceAndAllValues() throws Exception {
        threeDevicesThatShareLeaves();
        ValueSearch search = pool.mappings.search();
        Map<Long, Integer> told = new HashMap<>();
        for (long id = 1; id <= 3; id++) {
            long root = pool.mappings.subtreeRoot(pool.mappingRoot, id);
            long next = 0;
            while (next != ValueSearch.END) {
                next = search.step(root, next, 2, (key, value) -> {
                    told.merge(blockOf(value), 1, Integer::sum);
                    return true;
                });
            }
        }
        assertEquals(1001, told.size(), "every data block, the snapshots' old one as well");
        long twice = told.values().stream().filter(count -> count > 1).count();
        assertTrue(twice > 0 && twice < 260, twice + " blocks are in two leaves: those of the one that was copied");
    }

    /** A part of the trees gets the new value; the others keep the old one, and both all that they shared besides. */
    @Test
    void aPartOfTheTreesIsRewrittenAndTheOthersKeepWhatTheyHave() throws Exception {
        threeDevicesThatShareLeaves();
        Map<Long, Long> before = pool.mappingsOf(1);
        SharedRewrite rewrite = pool.mappings.rewrite(pool.mappingRoot);
        long subtree = pool.mappings.subtreeRoot(pool.mappingRoot, 2);
        assertTrue(rewrite.add(2, subtree, 10, value -> true));
        assertTrue(rewrite.isUpperLevelOwn());
        assertFalse(rewrite.isComplete());
        assertEquals(2, rewrite.copies(), "the root, which 3 has as well, and the leaf, which 1 has, too");
        apply(rewrite);
        pool.commit();
        assertEquals(List.of(), pool.damage());
        assertEquals(before, pool.mappingsOf(1));
        assertEquals(before.get(10L), pool.mappingsOf(3).get(10L));
        Map<Long, Long> after = pool.mappingsOf(2);
        assertFalse(before.get(10L).equals(after.get(10L)));
        after.put(10L, before.get(10L));
        assertEquals(pool.mappingsOf(3), after);
        for (long id : List.of(3L, 1L, 2L)) {
            pool.deleteDevice(id);
        }
        pool.commit();
        assertEquals(List.of(), pool.damage());
        assertEquals(0, pool.dataMap.allocated(), "no reference was left behind");
    }

    /** Any part, any number of times, in one transaction and across commits. */
    @Test
    void anyPartsInAnyOrderKeepAllCountsRight() throws Exception {
        SplittableRandom random = Seeds.splittable(4);
        List<Long> ids = new ArrayList<>(List.of(1L));
        pool.createDevice(1);
        for (int i = 0; i < 600; i++) {
            pool.provision(1, i);
        }
        for (int round = 0; round < 80; round++) {
            long id = ids.get(random.nextInt(ids.size()));
            switch (random.nextInt(6)) {
                case 0 -> {
                    pool.snapshot(id, 2L + round);
                    ids.add(2L + round);
                }
                case 1 -> pool.provision(id, random.nextInt(600));
                case 2 -> pool.commit();
                default -> {
                    SharedRewrite rewrite = pool.mappings.rewrite(pool.mappingRoot);
                    for (long each : ids) {
                        if (random.nextBoolean()) {
                            long subtree = pool.mappings.subtreeRoot(pool.mappingRoot, each);
                            rewrite.add(each, subtree, random.nextInt(600), value -> true);
                            rewrite.add(each, subtree, random.nextInt(600), value -> true);
                        }
                    }
                    apply(rewrite);
                }
            }
        }
        pool.commit();
        assertEquals(List.of(), pool.damage());
        for (long id : ids) {
            pool.deleteDevice(id);
        }
        pool.commit();
        assertEquals(List.of(), pool.damage());
        assertEquals(0, pool.dataMap.allocated());
    }

    /** A tree that has grown by two levels since it shared a leaf with one that has not. */
    @Test
    void aLeafAtDifferentDepthsOfTwoTreesIsWrittenBeforeAllItsParents() throws Exception {
        pool.createDevice(1);
        pool.provision(1, 0);
        long leaf = pool.mappings.subtreeRoot(pool.mappingRoot, 1);
        pool.snapshot(1, 2);
        pool.snapshot(1, 3);
        pool.tx.increment(leaf);
        pool.mappingRoot = pool.mappings.replaceSubtree(pool.mappingRoot, 2, parent(leaf));
        pool.tx.increment(leaf);
        pool.mappingRoot = pool.mappings.replaceSubtree(pool.mappingRoot, 3, parent(parent(parent(leaf))));
        pool.deleteDevice(1);
        pool.commit();
        assertEquals(List.of(), damageButForSmallNodes());
        final long before = pool.mappingsOf(2).get(0L);
        assertTrue(move(Map.of(2L, List.of(0L), 3L, List.of(0L))));
        pool.commit();
        assertEquals(List.of(), damageButForSmallNodes());
        assertFalse(before == pool.mappingsOf(2).get(0L));
        assertEquals(pool.mappingsOf(2), pool.mappingsOf(3));
    }

    private List<?> damageButForSmallNodes() throws Exception {
        return pool.damage().stream()
                .filter(each -> !each.toString().contains("less than a third"))
                .toList();
    }

    /** A node above another one, which has a reference for it. */
    private long parent(long child) throws StorageException {
        MetadataBlock node = pool.tx.newBlock(BlockValidator.BTREE_NODE);
        NodeLayout.format(node, NodeLayout.INTERNAL, Long.BYTES);
        NodeLayout.insertKey(node, 0, 0);
        NodeLayout.setChild(node, 0, child);
        return node.location();
    }
}

package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.NestedBTree;
import dev.gossamer.pdata.btree.RemovalWalk;
import dev.gossamer.pdata.btree.WayDown;
import dev.gossamer.pdata.spacemap.CountCost;

/**
 * What changes of metadata take, found by looking at the nodes and counts that they would touch: upper bounds that are
 * tight, so that with little metadata left nothing is refused that there is room for. A bound by sizes alone would have
 * each of some thousand counts in a bitmap of its own. Costs as much reading as the change itself. Numbers of metadata
 * blocks, with the change's part of the commit. Worker's thread.
 */
final class ExactCosts {
    /** Counts from here on are kept in a tree. */
    private static final int HIGH = 3;

    private final LoadedPool pool;
    private final DeviceLife life;
    private final WayDown way;
    private final RemovalWalk removal;
    private final RemovalWalk upperRemoval;
    private final CountCost data;

    private final RemovalWalk.Values counted = new RemovalWalk.Values() {
        @Override
        public void raised(long word) throws StorageException {
            data.raise(Mapping.dataBlock(word));
        }

        @Override
        public void lowered(long word) throws StorageException {
            data.lower(Mapping.dataBlock(word));
        }
    };

    // Counts of subtrees' roots that change and are above 2 before or afterwards.
    private long highRoots;

    private final RemovalWalk.Values roots = new RemovalWalk.Values() {
        @Override
        public void raised(long word) throws StorageException {
            highRoots += pool.transaction.count(word) + 1 >= HIGH ? 1 : 0;
        }

        @Override
        public void lowered(long word) throws StorageException {
            highRoots += pool.transaction.count(word) >= HIGH ? 1 : 0;
        }
    };

    ExactCosts(LoadedPool pool, DeviceLife life) {
        this.pool = pool;
        this.life = life;
        way = pool.mappings.wayDown();
        removal = pool.mappings.removalWalk(false);
        upperRemoval = pool.mappings.removalWalk(true);
        data = pool.dataMap.countCost();
    }

    /** See {@link MetadataRoom#insertCost}. */
    long insert(int id, long virtualBlock) throws StorageException {
        way.look(pool.mappingRoot, id, virtualBlock);
        data.clear();
        int nodes = way.upperNodes() + way.lowerNodes();
        if (way.isShared()) {
            for (long word : way.leafWords()) {
                counted.raised(word);
            }
        }
        if (way.isMapped()) {
            counted.lowered(way.mappedWord());
        }
        // And the one of the block that is mapped, which is not chosen yet.
        return way.copies()
                + way.splits()
                + data.blocks()
                + pool.dataMap.changeCost(1, 0)
                + pool.metadataMap.overflowCost(way.isShared() ? way.children() + nodes : 0)
                + pool.devices.changeCost(1);
    }

    /** What removing the first so many of a device's mappings in {@code [from, to)} takes. */
    long removal(int id, long from, long to, long maxMappings) throws StorageException {
        way.look(pool.mappingRoot, id, from);
        data.clear();
        long high = way.isUpperShared() ? way.upperChildren() + way.upperNodes() : 0;
        long nodes = way.upperCopies();
        if (way.lowerNodes() > 0) {
            long root = pool.mappings.subtreeRoot(pool.mappingRoot, id);
            removal.look(root, from, to - 1, maxMappings, way.isUpperShared(), counted);
            nodes += removal.nodes();
            high += removal.highCounts();
        }
        return nodes + data.blocks() + pool.metadataMap.overflowCost(high) + pool.devices.changeCost(1);
    }

    /** What {@link DeviceLife#deleteDevice} takes of a device that {@link DeviceLife#isDeletedAtOnce}. */
    long deletion(int id) throws StorageException {
        long root = pool.mappings.subtreeRoot(pool.mappingRoot, id);
        data.clear();
        long high = 1;
        if (root != NestedBTree.NONE && !pool.mappings.isSubtreeShared(pool.mappingRoot, id)) {
            removal.lookAtDeletion(root, true, counted);
            high += removal.highCounts();
        }
        return data.blocks() + removalOf(id, high) + pool.devices.removalCost();
    }

    /** What {@link DeviceLife#retireDevice} takes. */
    long retirement(int id) throws StorageException {
        long added = added();
        return added + removalOf(id, highRoots + 1) + pool.devices.removalCost() + pool.devices.changeCost(1);
    }

    /** What keeping a tree of the metadata snapshot takes. */
    long keep() throws StorageException {
        return added() + pool.metadataMap.overflowCost(highRoots + 1) + pool.devices.changeCost(1);
    }

    /** Nodes for a device more, under a high id; what that does to counts above 2 is in {@link #highRoots}. */
    private long added() throws StorageException {
        way.look(pool.mappingRoot, PoolMetadata.MAX_DEVICES - 2, 0);
        highRoots = way.isUpperShared() ? way.upperChildren() + way.upperNodes() : 0;
        return way.upperCopies() + pool.mappings.upperCost(pool.mappingRoot, 1);
    }

    /** What a step of {@link DeviceLife#reclaim} takes. */
    long reclaim(int id, int mappings) throws StorageException {
        return life.isDeletedAtOnce(id, mappings) ? deletion(id) : removal(id, 0, Long.MAX_VALUE, mappings);
    }

    /** Taking a device out of the upper level, with so many other counts of nodes above 2. */
    private long removalOf(int id, long high) throws StorageException {
        highRoots = 0;
        upperRemoval.look(pool.mappingRoot, id, id, 1, false, roots);
        return upperRemoval.nodes() + pool.metadataMap.overflowCost(high + upperRemoval.highCounts() + highRoots);
    }
}

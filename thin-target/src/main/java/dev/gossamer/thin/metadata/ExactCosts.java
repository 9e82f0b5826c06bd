package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.HighNodes;
import dev.gossamer.pdata.btree.RemovalWalk;
import dev.gossamer.pdata.btree.WayDown;
import dev.gossamer.pdata.spacemap.CountCost;
import dev.gossamer.pdata.spacemap.OverflowCost;

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
    // Nodes, roots of subtrees among them, whose counts change and are above 2 before or afterwards.
    private final OverflowCost nodes;
    private final HighNodes onTheWay = new HighNodes();

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

    private final RemovalWalk.Values roots = new RemovalWalk.Values() {
        @Override
        public void raised(long word) throws StorageException {
            if (pool.transaction.count(word) + 1 >= HIGH) {
                nodes.change(word);
            }
        }

        @Override
        public void lowered(long word) throws StorageException {
            if (pool.transaction.count(word) >= HIGH) {
                nodes.change(word);
            }
        }
    };

    ExactCosts(LoadedPool pool, DeviceLife life) {
        this.pool = pool;
        this.life = life;
        data = pool.dataMap.countCost();
        nodes = pool.metadataMap.overflowCost();
        way = pool.mappings.wayDown(onTheWay);
        removal = pool.mappings.removalWalk(false, nodes::change);
        upperRemoval = pool.mappings.removalWalk(true, nodes::change);
    }

    /** See {@link MetadataRoom#insertCost}. */
    long insert(int id, long virtualBlock) throws StorageException {
        way.look(pool.mappingRoot, id, virtualBlock);
        clear();
        onTheWay.tell(nodes::change);
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
                + nodes.blocks()
                + pool.devices.changeCost(1);
    }

    private void clear() {
        data.clear();
        nodes.clear();
    }

    /** What removing the first so many of a device's mappings in {@code [from, to)} takes. */
    long removal(int id, long from, long to, long maxMappings) throws StorageException {
        way.look(pool.mappingRoot, id, from);
        clear();
        onTheWay.tellUpper(nodes::change);
        long copies = way.upperCopies();
        if (way.lowerNodes() > 0) {
            long root = pool.mappings.subtreeRoot(pool.mappingRoot, id);
            removal.look(root, from, to - 1, maxMappings, way.isUpperShared(), counted);
            copies += removal.nodes();
        }
        return copies + data.blocks() + nodes.blocks() + pool.devices.changeCost(1);
    }

    /** What {@link DeviceLife#deleteDevice} takes of a device that {@link DeviceLife#isDeletedAtOnce}. */
    long deletion(int id) throws StorageException {
        long root = pool.mappings.subtreeRoot(pool.mappingRoot, id);
        clear();
        if (root != BTree.NO_TREE && !pool.mappings.isSubtreeShared(pool.mappingRoot, id)) {
            removal.lookAtDeletion(root, true, counted);
        }
        return data.blocks() + removalOf(id) + pool.devices.removalCost();
    }

    /** What {@link DeviceLife#retireDevice} takes. */
    long retirement(int id) throws StorageException {
        long added = added();
        raiseRoot(pool.mappings.subtreeRoot(pool.mappingRoot, id));
        return added + removalOf(id) + pool.devices.removalCost() + pool.devices.changeCost(1);
    }

    /** What keeping a tree of the metadata snapshot takes. */
    long keep() throws StorageException {
        // And the one root that is kept, which is not chosen yet.
        return added() + nodes.blocks() + pool.metadataMap.overflowCost(1) + pool.devices.changeCost(1);
    }

    private void raiseRoot(long root) throws StorageException {
        if (root != BTree.NO_TREE) {
            roots.raised(root);
        }
    }

    /** Nodes for a device more, under a high id; what that does to counts above 2 is in {@link #nodes}. */
    private long added() throws StorageException {
        way.look(pool.mappingRoot, DeviceDetails.MAX_DEVICES - 2, 0);
        clear();
        onTheWay.tellUpper(nodes::change);
        return way.upperCopies() + pool.mappings.upperCost(pool.mappingRoot, 1);
    }

    /** What a step of {@link DeviceLife#reclaim} takes. */
    long reclaim(int id, int mappings) throws StorageException {
        return life.isDeletedAtOnce(id, mappings) ? deletion(id) : removal(id, 0, Long.MAX_VALUE, mappings);
    }

    /** Taking a device out of the upper level, with all other counts of nodes above 2. */
    private long removalOf(int id) throws StorageException {
        upperRemoval.look(pool.mappingRoot, id, id, 1, false, roots);
        return upperRemoval.nodes() + nodes.blocks();
    }
}

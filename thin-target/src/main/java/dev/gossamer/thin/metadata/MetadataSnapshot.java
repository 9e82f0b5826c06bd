package dev.gossamer.thin.metadata;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.RemovalWalk;
import dev.gossamer.pdata.spacemap.CountCost;
import dev.gossamer.pdata.spacemap.OverflowCost;
import java.util.HashSet;
import java.util.Set;

/**
 * The metadata snapshot (on-disk format 9.9): a copy of the superblock without its space maps, and one more reference
 * to both roots, so that tools like thin_delta can read mappings that do not change under them.
 *
 * <p>Letting go of it may free as much as deleting every volume. So whatever tree only the snapshot leads to is first
 * {@linkplain #keepNext kept}: put under a device id of its own, as a retired device, to be reclaimed in steps like any
 * deleted volume. When there is no such tree any more, or only small ones, the snapshot {@linkplain #release goes} in
 * one transaction that drops its roots. Before that transaction the snapshot is whole, afterwards it is gone; a crash
 * in between leaves retired devices that share all they have with it.
 *
 * <p>Of one state of the metadata, until it is aborted. Worker's thread.
 */
public final class MetadataSnapshot {
    /** {@link #keepNext} has come to the last device. */
    public static final int DONE = -1;

    /** Counts from here on are kept in a tree. */
    private static final int HIGH = 3;

    /** What is on the way down the upper level and the details tree, at most. */
    private static final int BTREE_DEPTH = 4;

    private final LoadedPool pool;
    private final RemovalWalk lower;
    private final CountCost data;

    // Roots of trees that have been kept: retired devices have them.
    private final Set<Long> kept = new HashSet<>();

    // Of the last look: what letting go would do at once.
    private long smallLeft;
    private boolean isSmall;
    private final OverflowCost nodes;

    private final RemovalWalk.Values blocks = new RemovalWalk.Values() {
        @Override
        public void raised(long word) {}

        @Override
        public void lowered(long word) throws StorageException {
            data.lower(Mapping.dataBlock(word));
            smallLeft--;
        }
    };

    MetadataSnapshot(LoadedPool pool) {
        this.pool = pool;
        nodes = pool.metadataMap.overflowCost();
        lower = pool.mappings.removalWalk(false, nodes::change);
        data = pool.dataMap.countCost();
    }

    /** Keeps the committed mappings readable as they are. Right after a commit. */
    public void reserve() throws StorageException {
        Invariant.check(pool.heldRoot == 0, "there can be one metadata snapshot only");
        Invariant.check(!pool.isChanged(), "a metadata snapshot of what is not committed");
        pool.changed = true;
        MetadataBlock copy = pool.transaction.newBlock(BlockValidator.SUPERBLOCK);
        copy.copyFrom(pool.blocks.read(Superblock.LOCATION, BlockValidator.SUPERBLOCK));
        Superblock.clearSpaceMaps(copy);
        pool.heldRoot = copy.location();
        pool.transaction.increment(pool.mappingRoot);
        pool.transaction.increment(pool.devices.root());
        pool.settle();
    }

    /** Gives ids that no device has, for retired devices. */
    public interface RetiredIds {
        int next() throws StorageException;
    }

    /**
     * Looks at up to so many of the snapshot's devices, from one on, and keeps the first tree that nothing else leads
     * to, as that of a retired device.
     *
     * @return the device to go on with, or {@link #DONE}
     */
    public int keepNext(int from, int maxDevices, RetiredIds ids) throws StorageException {
        BTreeCursor cursor = pool.mappings.upperCursor(held().mappingRoot(), from);
        for (int looked = 0; cursor.next(); looked++) {
            int id = (int) cursor.key();
            if (looked == maxDevices) {
                return id;
            }
            if (isOwn(cursor)) {
                keep(id, cursor.value(0), ids.next());
                return id + 1;
            }
        }
        return DONE;
    }

    /**
     * Whether dropping the snapshot may drop the last reference to a device's tree in it. Counts do not tell: all
     * references may be the snapshot's, to volumes that share with each other.
     */
    private boolean isOwn(BTreeCursor cursor) throws StorageException {
        return !cursor.isPathShared()
                && pool.mappings.subtreeRoot(pool.mappingRoot, cursor.key()) != cursor.value(0)
                && !kept.contains(cursor.value(0));
    }

    private void keep(int id, long root, int retiredId) throws StorageException {
        DeviceDetails details = pool.devices.get(held().detailsRoot(), id);
        DeviceDetails its = details == null ? new DeviceDetails(0, 0, 0, 0) : details;
        // The reference comes first, as with a snapshot of a volume.
        pool.transaction.increment(root);
        pool.mappingRoot = pool.mappings.addSubtree(pool.mappingRoot, retiredId, root);
        pool.devices.put(retiredId, its.asRetired());
        kept.add(root);
        pool.settle();
    }

    /**
     * Whether {@link #release} takes few steps: one for each device that has changed since the snapshot was taken, and
     * no more than so many for mappings.
     */
    public boolean isReleasedAtOnce(int fewMappings) throws StorageException {
        look(fewMappings);
        return isSmall;
    }

    private void look(int fewMappings) throws StorageException {
        data.clear();
        smallLeft = fewMappings;
        isSmall = true;
        nodes.clear();
        BTreeCursor cursor = pool.mappings.upperCursor(held().mappingRoot(), 0);
        while (isSmall && cursor.next()) {
            if (!cursor.isPathShared()) {
                lookAtTree(cursor.value(0), isOwn(cursor));
            }
        }
    }

    private void lookAtTree(long root, boolean own) throws StorageException {
        long count = pool.transaction.count(root);
        if (count >= HIGH) {
            nodes.change(root);
        }
        if (own) {
            isSmall = count == 1 && pool.mappings.subtrees().isSmall(root, smallLeft);
            if (isSmall) {
                lower.lookAtDeletion(root, false, blocks);
            }
        }
    }

    /** What {@link #release} takes of metadata blocks, with its part of the commit, at most. */
    long releaseCost(int fewMappings) throws StorageException {
        look(fewMappings);
        // Nodes of the two upper trees may be shared with the pool's own.
        return data.blocks() + nodes.blocks() + pool.metadataMap.overflowRemovalCost(2L * BTREE_DEPTH);
    }

    /** Nothing that has been kept is waited for any more: it is reclaimed. */
    public void forgetKept() {
        kept.clear();
    }

    /** Lets go of the snapshot; what only it refers to is freed. Takes few steps if {@link #isReleasedAtOnce}. */
    public void release() throws StorageException {
        Superblock its = held();
        pool.changed = true;
        pool.mappings.delete(its.mappingRoot());
        pool.devices.delete(its.detailsRoot());
        pool.transaction.decrement(pool.heldRoot);
        pool.heldRoot = 0;
        pool.settle();
    }

    private Superblock held() throws StorageException {
        Invariant.check(pool.heldRoot != 0, "there is no metadata snapshot");
        return Superblock.held(pool.blocks, pool.heldRoot, pool.metadataMap.blocks(), pool.deviceName);
    }
}

package dev.gossamer.thin.metadata;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.NestedBTree;

/**
 * How devices come and go: each of these changes the upper level of the mapping tree and the details tree together.
 * Part of the running transaction. Worker's thread.
 */
final class DeviceLife {
    private final LoadedPool pool;

    DeviceLife(LoadedPool pool) {
        this.pool = pool;
    }

    /** Whether a device may get this id: neither tree knows of one. */
    boolean isFree(int id) throws StorageException {
        return pool.devices.get(id) == null && pool.mappings.subtreeRoot(pool.mappingRoot, id) == NestedBTree.NONE;
    }

    /** What the catalog says has changed: see {@link DeviceDetails#catalogGeneration}. */
    void stampCatalog(int id, int generation) throws StorageException {
        pool.devices.put(id, pool.devices.existing(id).asCatalog(generation));
    }

    void create(int id) throws StorageException {
        pool.mappingRoot = pool.mappings.createSubtree(pool.mappingRoot, id);
        pool.devices.put(id, newDevice(0));
    }

    /** Whether the pool's time can grow by so many snapshots. */
    boolean canSnapshot(int count) {
        return pool.time >= 0 && pool.time + count < Mapping.TIME_LIMIT;
    }

    void snapshot(int id, int originId) throws StorageException {
        Invariant.check(canSnapshot(1), "a time that no mapping can hold");
        DeviceDetails origin = pool.devices.existing(originId);
        long root = pool.mappings.existingRoot(pool.mappingRoot, originId);
        // The reference comes first: storing the root may copy an upper leaf, which counts the roots in it.
        pool.transaction.increment(root);
        pool.mappingRoot = pool.mappings.addSubtree(pool.mappingRoot, id, root);
        pool.time++;
        pool.devices.put(id, newDevice(origin.mappedBlocks()));
        pool.devices.put(originId, origin.withSnapshottedTime(pool.time));
    }

    void rollBack(int id, int sourceId, int keptId) throws StorageException {
        Invariant.check(canSnapshot(1), "a time that no mapping can hold");
        DeviceDetails replaced = pool.devices.existing(id);
        DeviceDetails source = pool.devices.existing(sourceId);
        long replacedRoot = pool.mappings.existingRoot(pool.mappingRoot, id);
        long sourceRoot = pool.mappings.existingRoot(pool.mappingRoot, sourceId);
        // References come first, as for a snapshot; so the replaced tree has two when the device lets go of it.
        pool.transaction.increment(replacedRoot);
        pool.transaction.increment(sourceRoot);
        pool.mappingRoot = pool.mappings.addSubtree(pool.mappingRoot, keptId, replacedRoot);
        pool.mappingRoot = pool.mappings.replaceSubtree(pool.mappingRoot, id, sourceRoot);
        pool.time++;
        pool.devices.put(keptId, newDevice(replaced.mappedBlocks()));
        pool.devices.put(id, replaced.withMappedBlocks(source.mappedBlocks()).withSnapshottedTime(pool.time));
        pool.devices.put(sourceId, source.withSnapshottedTime(pool.time));
    }

    void delete(int id) throws StorageException {
        pool.mappingRoot = pool.mappings.removeSubtree(pool.mappingRoot, id);
        pool.devices.remove(id);
        pool.changed = true;
    }

    boolean isDeletedAtOnce(int id, long fewMappings) throws StorageException {
        pool.devices.existing(id);
        // Its tree says how much there is; the record's count may be another program's mistake.
        return pool.mappings.subtreeRoot(pool.mappingRoot, id) == NestedBTree.NONE
                || pool.mappings.isSmall(pool.mappingRoot, id, fewMappings)
                || pool.mappings.isSubtreeShared(pool.mappingRoot, id);
    }

    void retire(int id, int retiredId) throws StorageException {
        DeviceDetails present = pool.devices.existing(id);
        long root = pool.mappings.existingRoot(pool.mappingRoot, id);
        // The reference comes first, as with a snapshot.
        pool.transaction.increment(root);
        pool.mappingRoot = pool.mappings.addSubtree(pool.mappingRoot, retiredId, root);
        delete(id);
        pool.devices.put(retiredId, present.asRetired());
    }

    long reclaim(int id, int maxMappings) throws StorageException {
        DeviceDetails present = pool.devices.existing(id);
        Invariant.check(present.isRetired(), "reclaimed a device that was not deleted");
        if (isDeletedAtOnce(id, maxMappings)) {
            delete(id);
            return 0;
        }
        pool.mappingRoot = pool.mappings.reclaim(pool.mappingRoot, id, maxMappings);
        // At least one is left, or the tree would have been small.
        long left = Math.max(1, present.mappedBlocks() - pool.mappings.removedCount());
        pool.devices.put(id, present.withMappedBlocks(left));
        return left;
    }

    private DeviceDetails newDevice(long mappedBlocks) {
        return new DeviceDetails(mappedBlocks, pool.transactionId, pool.time, pool.time);
    }
}

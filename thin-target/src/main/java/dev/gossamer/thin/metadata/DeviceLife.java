package dev.gossamer.thin.metadata;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTree;
import java.util.Set;

/**
 * How devices come and go: each of these changes the upper level of the mapping tree and the details tree together.
 * Part of the running transaction. Worker's thread.
 */
public final class DeviceLife {
    /** There is no catalog. */
    public static final int NO_CATALOG = -1;

    /** Another program, or an earlier version, has written the superblock. */
    public static final int NOT_SAID = -2;

    private final LoadedPool pool;

    DeviceLife(LoadedPool pool) {
        this.pool = pool;
    }

    /** Whether a device may get this id: neither tree knows of one. */
    public boolean isFreeId(int id) throws StorageException {
        return pool.devices.get(id) == null && pool.mappings.subtreeRoot(pool.mappingRoot, id) == BTree.NO_TREE;
    }

    /** What the catalog says has changed: see {@link DeviceDetails#catalogGeneration}. */
    public void stampCatalog(int id, int generation) throws StorageException {
        pool.devices.put(id, pool.devices.existing(id).asCatalog(generation));
        pool.catalogToMark = -1;
        pool.notedCatalog = id;
    }

    /** Which device is the catalog, as the last superblock says; or one of the two below. */
    public int notedCatalog() {
        return pool.notedCatalog;
    }

    /** Notes that for the next superblock: damage in the records of other devices then tells nothing of the catalog. */
    public void noteCatalog(int idOrNone) {
        pool.notedCatalog = idOrNone;
    }

    /** Whether no device without a mark can be the catalog: the pool was written by a version that marks it. */
    public boolean isCatalogMarked() throws StorageException {
        return pool.isCatalogMarked();
    }

    /** Whether this program has written the pool, last or earlier. */
    public boolean wasWrittenHere() throws StorageException {
        return pool.wasOwn();
    }

    /** A device is the catalog and has no mark: the next transaction, whatever it changes, gives it one. */
    public void markCatalogLater(int id) {
        pool.catalogToMark = id;
    }

    /** Makes an empty device under an id that {@link #isFreeId is free}. */
    public void createDevice(int id) throws StorageException {
        pool.mappingRoot = pool.mappings.createSubtree(pool.mappingRoot, id);
        pool.devices.put(id, newDevice(0));
        pool.own.none(id);
        pool.settle();
    }

    /** Whether the pool's time can grow by so many snapshots: a mapping has 24 bits for it. */
    public boolean canSnapshot(int count) {
        return pool.time >= 0 && pool.time + count < Mapping.TIME_LIMIT;
    }

    /**
     * Makes {@code id} a clone of {@code originId}, whose writes are at rest. Costs the same whatever their size (D-3).
     */
    public void createSnapshot(int id, int originId) throws StorageException {
        Invariant.check(canSnapshot(1), "a time that no mapping can hold");
        DeviceDetails origin = pool.devices.existing(originId);
        long root = pool.mappings.existingRoot(pool.mappingRoot, originId);
        // The reference comes first: storing the root may copy an upper leaf, which counts the roots in it.
        pool.transaction.increment(root);
        pool.mappingRoot = pool.mappings.addSubtree(pool.mappingRoot, id, root);
        pool.time++;
        pool.devices.put(id, newDevice(origin.mappedBlocks()));
        pool.devices.put(originId, origin.withSnapshottedTime(pool.time));
        pool.own.none(id);
        pool.own.none(originId);
        pool.settle();
    }

    /**
     * Gives a device the contents of another, whose writes are at rest as its own are. What it held goes to a new
     * device {@code keptId}. Three roots change hands and nothing is walked, so it costs the same whatever their size
     * (S-M8).
     */
    public void rollBack(int id, int sourceId, int keptId) throws StorageException {
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
        pool.own.none(keptId);
        pool.own.none(id);
        pool.own.none(sourceId);
        pool.settle();
    }

    /** For finding out what deleting some devices frees. */
    public DyingDevices dying(Set<Integer> ids) {
        return new DyingDevices(pool, ids);
    }

    /** Deletes a device at once; see {@link #isDeletedAtOnce}. */
    public void deleteDevice(int id) throws StorageException {
        pool.mappingRoot = pool.mappings.removeSubtree(pool.mappingRoot, id);
        pool.devices.remove(id);
        pool.own.forget(id);
        pool.changed = true;
        pool.settle();
    }

    /**
     * Whether {@link #deleteDevice} takes few steps: the device's mappings are few, or all shared, so that no node goes
     * but the reference to the first.
     */
    public boolean isDeletedAtOnce(int id, long fewMappings) throws StorageException {
        pool.devices.existing(id);
        // Its tree says how much there is; the record's count may be another program's mistake.
        return pool.mappings.subtreeRoot(pool.mappingRoot, id) == BTree.NO_TREE
                || pool.mappings.isSmall(pool.mappingRoot, id, fewMappings)
                || pool.mappings.isSubtreeShared(pool.mappingRoot, id);
    }

    /**
     * Moves a deleted device out of the way, under an id that has none, to be {@linkplain #reclaim reclaimed} in steps.
     * Costs the same whatever its size.
     */
    public void retireDevice(int id, int retiredId) throws StorageException {
        DeviceDetails present = pool.devices.existing(id);
        long root = pool.mappings.existingRoot(pool.mappingRoot, id);
        // The reference comes first, as with a snapshot.
        pool.transaction.increment(root);
        pool.mappingRoot = pool.mappings.addSubtree(pool.mappingRoot, retiredId, root);
        deleteDevice(id);
        pool.devices.put(retiredId, present.asRetired());
        pool.settle();
    }

    /**
     * Takes the next of a retired device's mappings away: about {@code maxMappings}, more where a shared node goes as a
     * whole and, with the last ones, the device. Returns what is left.
     */
    public long reclaim(int id, int maxMappings) throws StorageException {
        DeviceDetails present = pool.devices.existing(id);
        Invariant.check(present.isRetired(), "reclaimed a device that was not deleted");
        if (isDeletedAtOnce(id, maxMappings)) {
            deleteDevice(id);
            return 0;
        }
        pool.mappingRoot = pool.mappings.reclaim(pool.mappingRoot, id, maxMappings);
        // At least one is left, or the tree would have been small.
        long left = Math.max(1, present.mappedBlocks() - pool.mappings.removedCount());
        pool.devices.put(id, present.withMappedBlocks(left));
        pool.settle();
        return left;
    }

    /** Looks at what comes before a device's mappings: its record, and the root of its tree. */
    public void checkDevice(int id) throws StorageException {
        pool.devices.existing(id);
        if (pool.mappings.subtreeRoot(pool.mappingRoot, id) != BTree.NO_TREE) {
            pool.mappings.existingRoot(pool.mappingRoot, id);
        }
    }

    /** The transaction ends: what it is to do besides. */
    void beforeFreeze() throws StorageException {
        if (pool.catalogToMark >= 0) {
            stampCatalog(pool.catalogToMark, 0);
        }
    }

    private DeviceDetails newDevice(long mappedBlocks) {
        return new DeviceDetails(mappedBlocks, pool.transactionId, pool.time, pool.time);
    }
}

package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTreeCursor;

/** Single mappings come and go, and what is counted of their device with them. Worker's thread. */
final class MappingChanges {
    private final LoadedPool pool;
    private final long[] word = new long[1];

    MappingChanges(LoadedPool pool) {
        this.pool = pool;
    }

    /** See {@link PoolMetadata#insert}. */
    void insert(int id, long virtualBlock, long dataBlock) throws StorageException {
        DeviceDetails details = pool.devices.existing(id);
        boolean replacesOwn = false;
        if (pool.mappings.lookupForInsert(pool.mappingRoot, id, virtualBlock, word)) {
            pool.checkCounted(id, virtualBlock, word[0]);
            replacesOwn = OwnCounts.isOwn(word[0], details);
        }
        pool.unreserve(dataBlock);
        pool.dataMap.increment(dataBlock);
        word[0] = Mapping.pack(dataBlock, pool.time);
        pool.mappingRoot = pool.mappings.insert(pool.mappingRoot, id, virtualBlock, word);
        pool.devices.addMapped(id, pool.mappings.insertCreatedKey() ? 1 : 0);
        pool.own.inserted(id, virtualBlock, replacesOwn);
        pool.settle();
    }

    /** See {@link PoolMetadata#removeRange}. */
    long removeRange(int id, long from, long to) throws StorageException {
        BTreeCursor cursor = pool.mappings.cursor(pool.mappingRoot, id, from);
        if (!cursor.next() || cursor.key() >= to) {
            return 0;
        }
        DeviceDetails details = pool.devices.existing(id);
        long counted = pool.own.counted(id);
        long own = 0;
        do {
            pool.checkCounted(id, cursor.key(), cursor.value(0));
            own += cursor.key() < counted && OwnCounts.isOwn(cursor.value(0), details) ? 1 : 0;
        } while (cursor.next() && cursor.key() < to);
        pool.mappingRoot = pool.mappings.removeRange(pool.mappingRoot, id, from, to);
        long removed = pool.mappings.removedCount();
        pool.devices.addMapped(id, -removed);
        pool.own.removed(id, own);
        pool.settle();
        return removed;
    }
}

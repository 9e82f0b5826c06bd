package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.ExclusiveEntries;

/** Goes through devices' trees for the {@link OwnCounts}. Worker's thread. */
final class OwnCounting {
    private final LoadedPool pool;

    OwnCounting(LoadedPool pool) {
        this.pool = pool;
    }

    /** See {@link PoolMetadata#countOwn}. */
    boolean count(int id, int maxNodes, boolean privateOnly) throws StorageException {
        OwnBlocks own = pool.own.of(id);
        if (!own.isKnown()) {
            DeviceDetails details = pool.devices.existing(id);
            if (details.mappedBlocks() == 0) {
                own.are(0);
            } else if (privateOnly) {
                countPrivate(own, id, details, maxNodes);
            } else {
                countAll(own, id, details, maxNodes);
            }
        }
        return own.isKnown();
    }

    private void countPrivate(OwnBlocks own, int id, DeviceDetails details, int maxNodes) throws StorageException {
        ExclusiveEntries entries = new ExclusiveEntries(pool.mappings.subtrees());
        boolean held = pool.mappings.isUpperPathShared(pool.mappingRoot, id);
        entries.start(held ? BTree.NO_TREE : pool.mappings.subtreeRoot(pool.mappingRoot, id), own.position());
        long found = 0;
        while (entries.next()) {
            found += OwnCounts.isOwn(entries.value(), details) ? 1 : 0;
            if (entries.nodesRead() > maxNodes) {
                own.found(found, entries.key() + 1);
                return;
            }
        }
        own.found(found, own.position());
        own.complete();
    }

    private void countAll(OwnBlocks own, int id, DeviceDetails details, int maxNodes) throws StorageException {
        BTreeCursor cursor = pool.mappings.cursor(pool.mappingRoot, id, own.position());
        long found = 0;
        while (cursor.next()) {
            found += OwnCounts.isOwn(cursor.value(0), details) ? 1 : 0;
            if (cursor.leavesRead() > maxNodes) {
                own.found(found, cursor.key() + 1);
                return;
            }
        }
        own.found(found, own.position());
        own.complete();
    }
}

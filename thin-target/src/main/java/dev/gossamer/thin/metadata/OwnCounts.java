package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.ExclusiveEntries;
import java.util.HashMap;
import java.util.Map;

/**
 * The {@linkplain OwnBlocks own blocks} of all devices that somebody has asked for: 100 bytes or so each. Stays the
 * same object when a transaction is aborted; what it knew is forgotten then. Worker's thread.
 */
public final class OwnCounts {
    private final Map<Integer, OwnBlocks> byId = new HashMap<>();
    private LoadedPool pool;
    private Runnable whenForgotten = () -> {};

    OwnCounts() {}

    /** Metadata has been read anew. */
    void loaded(LoadedPool itsPool) {
        pool = itsPool;
        byId.values().forEach(OwnBlocks::forget);
        whenForgotten.run();
    }

    /** Who hears that a transaction was aborted, and all is to be counted anew. Set while the pool is put together. */
    public void whenForgotten(Runnable listener) {
        whenForgotten = listener;
    }

    /** A device's; nothing is known of it yet if this is the first time that it is asked for. */
    public OwnBlocks of(int id) {
        return byId.computeIfAbsent(id, its -> new OwnBlocks());
    }

    /** Nobody asks for a device's any more. */
    public void remove(int id) {
        byId.remove(id);
    }

    /** The device goes, unless this transaction is aborted. */
    void forget(int id) {
        OwnBlocks own = byId.get(id);
        if (own != null) {
            own.forget();
        }
    }

    /** The snapshotted time of a device has become the present one, and nothing is mapped since. */
    void none(int id) {
        of(id).are(0);
    }

    /** Whether a mapping is one of them. */
    static boolean isOwn(long packed, DeviceDetails details) {
        return Mapping.time(packed) >= details.snapshottedTime();
    }

    void inserted(int id, long virtualBlock, boolean replacesOwn) {
        OwnBlocks own = byId.get(id);
        if (own != null) {
            own.inserted(virtualBlock, replacesOwn);
        }
    }

    /** Below which virtual block a device's are counted; 0: nobody asks for them. */
    long counted(int id) {
        OwnBlocks own = byId.get(id);
        return own == null ? 0 : own.position();
    }

    void removed(int id, long number) {
        OwnBlocks own = byId.get(id);
        if (own != null) {
            own.removed(number);
        }
    }

    /**
     * Goes on counting a device's, some nodes of its tree.
     *
     * @param privateOnly whether nodes with several parents are passed without a look: right, and much quicker, if no
     *     metadata snapshot is held and nothing that was held by one is left to be reclaimed
     * @return whether they are known now
     */
    public boolean count(int id, int maxNodes, boolean privateOnly) throws StorageException {
        OwnBlocks own = of(id);
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
            found += isOwn(entries.value(), details) ? 1 : 0;
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
            found += isOwn(cursor.value(0), details) ? 1 : 0;
            if (cursor.leavesRead() > maxNodes) {
                own.found(found, cursor.key() + 1);
                return;
            }
        }
        own.found(found, own.position());
        own.complete();
    }
}

package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.spacemap.SpaceMap;

/**
 * Goes through a device's mappings upwards and tells exactly which of them another device or a metadata snapshot
 * shares. Void after any change of the metadata.
 */
public final class MappingWalk {
    private final BTreeCursor cursor;
    private final SpaceMap dataMap;
    private final int snapshottedTime;
    private final boolean deviceShared;

    MappingWalk(BTreeCursor cursor, SpaceMap dataMap, int snapshottedTime, boolean deviceShared) {
        this.cursor = cursor;
        this.dataMap = dataMap;
        this.snapshottedTime = snapshottedTime;
        this.deviceShared = deviceShared;
    }

    /** Goes to the next mapping. False behind the last. */
    public boolean next() throws StorageException {
        return cursor.next();
    }

    public long virtualBlock() {
        return cursor.key();
    }

    /** Leaves read so far. */
    public int leavesRead() {
        return cursor.leavesRead();
    }

    /**
     * Whether somebody else would miss the data block (rule D-6). Its count alone does not tell: after a snapshot, two
     * devices have the same leaves, and the leaf counts once (D-5). What was mapped after the last snapshot is private,
     * and that is known without looking at any count (D-4).
     */
    public boolean isShared() throws StorageException {
        long packed = cursor.value(0);
        if (Mapping.time(packed) >= snapshottedTime) {
            return false;
        }
        return deviceShared || cursor.isPathShared() || dataMap.isShared(Mapping.dataBlock(packed));
    }
}

package dev.gossamer.daemon.cow;

import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;

/**
 * A snapshot as it is recorded.
 *
 * @param name of the snapshot; its export is ORIGIN@NAME
 * @param store an absolute path, the URI of an NBD export, or the name of a volume of the pool
 * @param inPool the store is such a volume, which goes away with the snapshot
 * @param fullAction what a full store means for writes to the origin
 * @param merging it is being merged into the origin: the store alone does not tell
 */
record RecordedSnapshot(
        String name, String store, boolean inPool, StoreType type, StoreFullAction fullAction, boolean merging) {

    RecordedSnapshot withMerging(boolean newMerging) {
        return new RecordedSnapshot(name, store, inPool, type, fullAction, newMerging);
    }
}

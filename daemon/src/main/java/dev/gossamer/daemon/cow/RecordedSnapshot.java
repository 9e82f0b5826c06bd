package dev.gossamer.daemon.cow;

import dev.gossamer.io.StorageIdentity;
import dev.gossamer.snapshot.SnapshotState;
import dev.gossamer.snapshot.SnapshotStatus;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import java.util.UUID;

/**
 * A snapshot as it is recorded.
 *
 * @param name of the snapshot; its export is ORIGIN@NAME
 * @param store an absolute path, the URI of an NBD export, or the name of a volume of the pool
 * @param inPool the store is such a volume, which goes away with the snapshot
 * @param fullAction what a full store means for writes to the origin
 * @param state the store alone does not tell it
 * @param id in the store's header; null for a store that the kernel made
 * @param identity what the store's device was; empty for a volume of the pool, or if it was never looked at
 * @param sizeBytes of the snapshot; 0 if it was never looked at
 * @param cause why it is lost; empty otherwise
 */
record RecordedSnapshot(
        String name,
        String store,
        boolean inPool,
        StoreType type,
        StoreFullAction fullAction,
        State state,
        UUID id,
        String identity,
        long sizeBytes,
        String cause) {

    /** Where a snapshot is in its life. */
    enum State {
        /** It was asked for, and nobody was told that it is there: a start takes away what there is of it. */
        CREATING,
        ACTIVE,
        /** It is being merged into its origin. */
        MERGING,
        /** It missed a write of its origin: neither loaded nor merged, for ever. */
        LOST,
        /** It was given up, or is merged: a start takes away what is left of it. */
        DELETING
    }

    /**
     * One that is still to be made.
     *
     * @param given what its store's device is; null: a volume of the pool, which is still to be made as well
     * @param volume what that is called
     * @param sizeBytes of its origin
     */
    static RecordedSnapshot askedFor(
            CowName name, CowRequest request, StorageIdentity given, String volume, long sizeBytes) {
        return new RecordedSnapshot(
                name.snapshot(),
                given == null ? volume : request.store(),
                given == null,
                request.type(),
                request.fullAction(),
                State.CREATING,
                request.type() == StoreType.TRANSIENT ? null : UUID.randomUUID(),
                given == null ? "" : given.toString(),
                sizeBytes,
                "");
    }

    RecordedSnapshot withState(State newState) {
        return new RecordedSnapshot(name, store, inPool, type, fullAction, newState, id, identity, sizeBytes, cause);
    }

    /** With what was found when it was opened. */
    RecordedSnapshot found(String newIdentity, long newSizeBytes) {
        return new RecordedSnapshot(name, store, inPool, type, fullAction, state, id, newIdentity, newSizeBytes, cause);
    }

    RecordedSnapshot lost(String why) {
        return new RecordedSnapshot(name, store, inPool, type, fullAction, State.LOST, id, identity, sizeBytes, why);
    }

    boolean isMerging() {
        return state == State.MERGING;
    }

    boolean isLost() {
        return state == State.LOST;
    }

    /** Whether it is there for clients, or half made or half gone. */
    boolean isHalf() {
        return state == State.CREATING || state == State.DELETING;
    }

    /**
     * What can be said of it while it is not open; null if its origin is not there, which says more.
     *
     * @param export what it is called outside
     */
    SnapshotStatus withoutStore(String export) {
        if (!isLost() && !isHalf()) {
            return null;
        }
        String why = isLost()
                ? cause
                : "it was given up, and its store is left; delete it once more, or start the daemon again";
        return new SnapshotStatus(export, type, SnapshotState.INVALID, why, 0, 0, 0, 0, 0, 0, 0, false);
    }
}

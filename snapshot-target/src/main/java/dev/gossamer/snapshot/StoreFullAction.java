package dev.gossamer.snapshot;

/** What happens when a write finds no room in a snapshot's store, and the time to wait for more is over. */
public enum StoreFullAction {
    /** What the kernel does (rule S-V1): the snapshot is lost, a write to the origin goes on. */
    INVALIDATE_SNAPSHOT,
    /** The write fails with ENOSPC, whether to origin or snapshot; the snapshot is kept (rule S-V5). */
    FAIL_WRITES
}

package dev.gossamer.snapshot;

/** What can be done with a snapshot. */
public enum SnapshotState {
    /** Just created; writes to the origin wait until older ones have landed. */
    STARTING,
    ACTIVE,
    /** Its store was too small for a write to the snapshot: readable, no longer writable. */
    OVERFLOW,
    /** Lost: every request to it fails. For ever. */
    INVALID,
    /** Its contents are being merged into the origin. */
    MERGING,
    /** The merge stopped at an error; what is not merged is served from the store. */
    MERGE_FAILED,
    /** Merged: the origin has its contents. */
    MERGED
}

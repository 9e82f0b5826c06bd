package dev.gossamer.snapshot;

/** The kinds of stores, with dm-snapshot's letters (section 2.1 of its table line). */
public enum StoreType {
    /** P: survives; whatever finds no room in it ends the snapshot. */
    PERSISTENT,
    /** PO: survives; a write to the snapshot that finds no room leaves it readable ({@code Overflow}). */
    PERSISTENT_OVERFLOW,
    /** N: in memory only; the snapshot ends with the process. */
    TRANSIENT
}

package dev.gossamer.snapshot;

/** The kinds of stores, with the letters that dm-snapshot has for them. */
public enum StoreType {
    /** P: survives; whatever finds no room in it ends the snapshot. */
    PERSISTENT,
    /** PO: survives; a write to the snapshot that finds no room leaves it readable ({@code Overflow}). */
    PERSISTENT_OVERFLOW,
    /** N: in memory only; the snapshot ends with the process. */
    TRANSIENT
}

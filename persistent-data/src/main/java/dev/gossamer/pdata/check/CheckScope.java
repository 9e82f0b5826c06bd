package dev.gossamer.pdata.check;

/** How much of the metadata is looked at. */
public enum CheckScope {
    ALL,
    /** Not the mappings: the trees of devices and details, and the space maps' own structure. No counts. */
    NO_MAPPINGS,
    /** The trees of the metadata snapshot alone, which do not change while the pool is used. No counts. */
    HELD
}

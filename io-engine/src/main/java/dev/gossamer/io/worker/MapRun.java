package dev.gossamer.io.worker;

/** A stretch of a device that its map answers in one way. One per loop, reused, so that a look-up allocates nothing. */
public abstract class MapRun {
    /** Where the stretch ends on the device. */
    public long endBytes;
}

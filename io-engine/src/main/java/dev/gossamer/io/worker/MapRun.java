package dev.gossamer.io.worker;

/** A stretch of a device that its map answers in one way. One per loop, reused, so that a look-up allocates nothing. */
public abstract class MapRun {
    private long endBytes;

    /** Where the stretch ends on the device. */
    public final long endBytes() {
        return endBytes;
    }

    /** For the look-up that fills this. */
    protected final void endsAt(long newEndBytes) {
        endBytes = newEndBytes;
    }
}

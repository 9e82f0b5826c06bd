package dev.gossamer.thin.device;

import dev.gossamer.io.Errno;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;

/**
 * The mode a pool is in, and why. The worker sets it, loops and the management API read it. Every transition is one
 * event, with its cause (rule M-6).
 */
public final class PoolState {
    private final PoolEvents events;
    private volatile PoolMode mode = PoolMode.WRITE;
    private volatile String cause = "";

    public PoolState(PoolEvents events) {
        this.events = events;
    }

    public PoolMode mode() {
        return mode;
    }

    /** Why the mode is not WRITE; empty if it is. */
    public String cause() {
        return cause;
    }

    /** Whether metadata may no longer change: OUT_OF_METADATA_SPACE or worse. */
    public boolean isMetadataReadOnly() {
        return mode.isMetadataReadOnly();
    }

    /** What a write gets that needs a block of its own while the metadata may not change. */
    public int refusedWrite() {
        return mode == PoolMode.OUT_OF_METADATA_SPACE ? Errno.ENOSPC : Errno.EIO;
    }

    /** Goes to a worse mode; never to a better one (M-1). Worker's thread. */
    public void degrade(PoolMode worse, String why) {
        if (worse.compareTo(mode) > 0) {
            set(worse, why);
        }
    }

    /**
     * Space has come back (M-3). From READ_ONLY and FAIL there is no way back while the pool is open (M-4, M-5).
     * Worker's thread.
     */
    public void recover(PoolMode from, PoolMode to, String why) {
        if (mode == from && !from.isFinal()) {
            set(to, why);
        }
    }

    /**
     * Ends the pool (M-5), without a word of it: needs no memory and does not throw. {@link #tell} follows. Worker's
     * thread.
     *
     * @return the mode before
     */
    public PoolMode fail(String why) {
        PoolMode before = mode;
        if (before != PoolMode.FAIL) {
            cause = why;
            mode = PoolMode.FAIL;
        }
        return before;
    }

    /** Tells what {@link #fail} has done, and more exactly why. Worker's thread. */
    public void tell(PoolMode before, String why) {
        if (before != PoolMode.FAIL) {
            cause = why;
            event(before, why);
        }
    }

    /** The mode comes first: what telling of it throws must not leave the pool in the old one. */
    private void set(PoolMode newMode, String why) {
        PoolMode before = mode;
        cause = newMode == PoolMode.WRITE ? "" : why;
        mode = newMode;
        event(before, why);
    }

    private void event(PoolMode before, String why) {
        events.add(PoolEvent.Kind.MODE, "pool mode " + before + " -> " + mode + ": " + why);
    }
}

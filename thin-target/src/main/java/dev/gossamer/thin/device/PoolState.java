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

    private void set(PoolMode newMode, String why) {
        events.add(PoolEvent.Kind.MODE, "pool mode " + mode + " -> " + newMode + ": " + why);
        cause = newMode == PoolMode.WRITE ? "" : why;
        mode = newMode;
    }
}

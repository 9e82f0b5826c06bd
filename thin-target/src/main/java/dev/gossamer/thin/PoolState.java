package dev.gossamer.thin;

/**
 * The mode a pool is in, and why. The worker sets it, loops and the management API read it. Every transition is one
 * event, with its cause (rule M-6).
 */
final class PoolState {
    private final PoolEvents events;
    private volatile PoolMode mode = PoolMode.WRITE;
    private volatile String cause = "";

    PoolState(PoolEvents events) {
        this.events = events;
    }

    PoolMode mode() {
        return mode;
    }

    /** Why the mode is not WRITE; empty if it is. */
    String cause() {
        return cause;
    }

    /** Whether metadata may no longer change: OUT_OF_METADATA_SPACE or worse. */
    boolean isFrozen() {
        return mode.isFrozen();
    }

    /** Goes to a worse mode; never to a better one (M-1). Worker's thread. */
    void degrade(PoolMode worse, String why) {
        if (worse.compareTo(mode) > 0) {
            set(worse, why);
        }
    }

    /**
     * Space has come back (M-3). From READ_ONLY and FAIL there is no way back while the pool is open (M-4, M-5).
     * Worker's thread.
     */
    void recover(PoolMode from, PoolMode to, String why) {
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

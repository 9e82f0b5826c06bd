package dev.gossamer.thin;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mode a pool is in, and why. The worker sets it, loops and the management API read it.
 *
 * <p>Every transition is logged once, with its cause (rule M-6).
 */
final class PoolState {
    private static final Logger LOG = LoggerFactory.getLogger(PoolState.class);

    private volatile PoolMode mode = PoolMode.WRITE;
    private volatile String cause = "";

    PoolMode mode() {
        return mode;
    }

    /** Why the mode is not WRITE; empty if it is. */
    String cause() {
        return cause;
    }

    /** Whether metadata may no longer change: READ_ONLY or worse. */
    boolean isFrozen() {
        return mode.compareTo(PoolMode.READ_ONLY) >= 0;
    }

    /** Goes to a worse mode; never to a better one (M-1). Worker's thread. */
    void degrade(PoolMode worse, String why) {
        if (worse.compareTo(mode) > 0) {
            set(worse, why);
        }
    }

    /** Goes to a mode, better or worse. Worker's thread. */
    void set(PoolMode newMode, String why) {
        LOG.warn("pool mode {} -> {}{}", mode.word(), newMode.word(), why.isEmpty() ? "" : ": " + why);
        cause = why;
        mode = newMode;
    }
}

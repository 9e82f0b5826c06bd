package dev.gossamer.it.sim.judge;

/** What explains an error, in the life that goes on. */
public interface Excuses {
    /** A device has failed, or the pool is in a mode in which it may refuse. */
    boolean deviceFailed();

    /** The pool is so small that it can run full, or a volume has a limit. */
    boolean spaceIsShort();

    /** The pool may have no space for a store, or the pool's directory could not be written to. */
    boolean classicMayFail();

    /** The server stops. */
    boolean isDraining();

    /** A device has failed in this life so that commits may fail and be undone. */
    boolean commitsFail();
}

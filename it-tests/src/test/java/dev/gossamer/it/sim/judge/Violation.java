package dev.gossamer.it.sim.judge;

/** A promise was broken. */
public final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Which kind of promise. */
    public enum Oracle {
        /** A sector holds what it may not hold. */
        PERMITTED,
        /** Requests are not taken as the protocol says. */
        ORDER,
        /** Bytes that nobody wrote there. */
        FOREIGN,
        /** A snapshot is not of one instant. */
        INSTANT,
        /** A reply that the protocol or the state does not allow. */
        REPLY,
        /** Something was not given back. */
        LEAK,
        /** Something does not end. */
        LIVENESS,
        /** The checker finds damage. */
        CHECK,
        /** The pool is in a mode that nothing explains. */
        MODE,
        /** An exception where none may be. */
        EXCEPTION
    }

    private final Oracle oracle;

    public Violation(Oracle oracle, String what) {
        super(oracle + ": " + what);
        this.oracle = oracle;
    }

    public Violation(Oracle oracle, String what, Throwable cause) {
        super(oracle + ": " + what, cause);
        this.oracle = oracle;
    }

    public Oracle oracle() {
        return oracle;
    }
}

package dev.gossamer.it.sim.judge;

/** Which hosts may do what, as the daemon has been told last; in the end all may do everything again. */
public final class Rules {
    /** For hosts of the network that a rule names. */
    public enum Rights {
        NONE,
        READ_ONLY,
        READ_WRITE
    }

    private int below;
    private Rights rights = Rights.READ_WRITE;
    private long changedAt;

    /** Nothing is said: everybody may do everything. */
    void reset() {
        below = 0;
    }

    /**
     * Another rule is in force.
     *
     * @param hostsBelow have these rights, the others all
     */
    public void set(int hostsBelow, Rights theirs, long now) {
        below = hostsBelow;
        rights = theirs;
        changedAt = now;
    }

    /** What a host may do whose connection was begun then; null: that is not known, as it has changed meanwhile. */
    public Rights of(int host, long begun) {
        return changedAt >= begun ? null : host < below ? rights : Rights.READ_WRITE;
    }
}

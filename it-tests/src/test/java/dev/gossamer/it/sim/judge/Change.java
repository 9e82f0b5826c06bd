package dev.gossamer.it.sim.judge;

/**
 * One request that changes sectors, as the judge knows it. Moments are counted, not timed: each thing that the judge
 * hears of has a number.
 */
public final class Change {
    static final long NEVER = Long.MAX_VALUE;

    /** 0: leaves zeros. */
    final long stamp;

    final boolean fua;
    /** A part of a block that was trimmed: reads may show zeros from then on, or may not. */
    final boolean soft;

    long sent = NEVER;
    long taken = NEVER;
    /** When it was answered without an error. */
    long answered = NEVER;

    /** Of a trim: the same, where an external origin shows through afterwards; null if it does nowhere. */
    private Change uncovering;

    Change(long stamp, boolean fua, boolean soft) {
        this.stamp = stamp;
        this.fua = fua;
        this.soft = soft;
    }

    /** As it is in a sector in which an external origin shows through where nothing is mapped. */
    Change uncovering() {
        if (uncovering == null) {
            uncovering = new Change(Content.ORIGIN_STAMP, fua, soft);
            uncovering.sent = sent;
            uncovering.taken = taken;
        }
        return uncovering;
    }

    /** Answered without an error. */
    void answered(long now) {
        answered = now;
        if (uncovering != null) {
            uncovering.answered = now;
        }
    }

    /** Whether it is this one, whatever it leaves in a sector. */
    boolean is(Change other) {
        return equals(other) || (other.uncovering != null && equals(other.uncovering));
    }

    @Override
    public String toString() {
        return (stamp == 0 ? soft ? "trimmed" : "zeros" : "#" + stamp)
                + (answered != NEVER ? "" : taken != NEVER ? "(no answer)" : "(not taken)");
    }
}

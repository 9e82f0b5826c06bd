package dev.gossamer.it.sim.judge;

import java.util.function.LongSupplier;

/**
 * A range of a volume is being given what another one has at the same place, in steps, while both are used: meanwhile
 * each sector may be as it was, or as the source was at any moment since.
 */
public final class Cloning {
    /** Of a job that clones nothing. */
    public static final Cloning NONE = new Cloning(null, null, 0, 0, 0, () -> 0);

    private final VolumeModel source;
    private final VolumeModel target;
    private final int first;
    private final int end;
    private final long asked;
    private final Change[] floors;
    private final LongSupplier clock;
    private long endedAt = Change.NEVER;

    Cloning(VolumeModel source, VolumeModel target, int first, int end, long asked, LongSupplier clock) {
        this.source = source;
        this.target = target;
        this.first = first;
        this.end = end;
        this.asked = asked;
        this.floors = source == null ? null : source.floors(asked);
        this.clock = clock;
        if (source == null) {
            endedAt = 0;
        }
    }

    boolean isOver() {
        return endedAt != Change.NEVER;
    }

    boolean isFrom(VolumeModel volume) {
        return volume.equals(source);
    }

    /** Reads sent before that may show what they could meanwhile. */
    long endedAt() {
        return endedAt;
    }

    boolean includes(int sector) {
        return sector >= first && sector < end;
    }

    /** Whether a sector may be so because the source was. */
    boolean gives(int sector, long stamp) {
        Sector its = source.known(sector);
        return its == null ? stamp == 0 : its.hasSince(floors[sector], stamp);
    }

    /**
     * Nothing more will be cloned.
     *
     * @param done all of it was, and is stable
     */
    public void ended(boolean done) {
        if (isOver()) {
            return;
        }
        endedAt = clock.getAsLong();
        for (int i = first; i < end; i++) {
            target.replace(i, Sector.cloned(source.known(i), floors[i], target.known(i), asked, done));
        }
    }
}

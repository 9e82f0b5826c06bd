package dev.gossamer.it.sim.judge;

import dev.gossamer.it.sim.judge.Violation.Oracle;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** What a volume may hold, sector by sector. */
public final class VolumeModel {
    /** Before anything was written, and of holes. */
    static final Change ZEROS = always(0);

    private static final Change ORIGIN = always(Content.ORIGIN_STAMP);

    private String name;
    private final Sector[] sectors;
    private long sizeBytes;
    private long sizedAt;
    private int originSectors;
    // Of a copy that nobody has written to; null of others.
    private Moment moment;
    // Of what it may hold it has this guaranteed.
    private long reserveBytes;
    // Who asked before may have found no space.
    private long reservedAt;
    // Something of it has been shared with another volume: a reserve may be used up for copies.
    private boolean shares;
    // What is being cloned to it, or was last.
    private Cloning cloning = Cloning.NONE;

    private enum Kind {
        THIN,
        /** A device that has classic snapshots. */
        ORIGIN,
        /** One of them. */
        SHADOW
    }

    private Kind kind = Kind.THIN;
    // When a classic snapshot was made: a FLUSH of it says nothing of what its origin was written before.
    private long bornAt;

    private static Change always(long stamp) {
        Change change = new Change(stamp, false, false);
        change.sent = 0;
        change.taken = 0;
        change.answered = 0;
        return change;
    }

    /** @param maximumBytes that it can ever grow to */
    VolumeModel(String name, long sizeBytes, long maximumBytes) {
        this(name, sizeBytes, new Sector[(int) (maximumBytes / Content.SECTOR_BYTES)]);
    }

    private VolumeModel(String name, long sizeBytes, Sector[] sectors) {
        this.name = name;
        this.sizeBytes = sizeBytes;
        this.sectors = sectors;
    }

    /** Over an external origin, which shows through where nothing is mapped. */
    static VolumeModel over(String name, long sizeBytes, long maximumBytes) {
        VolumeModel volume = new VolumeModel(name, sizeBytes, maximumBytes);
        volume.originSectors = Math.min(Content.ORIGIN_SECTORS, volume.sectors.length);
        for (int i = 0; i < volume.originSectors; i++) {
            volume.sectors[i] = new Sector(ORIGIN);
        }
        return volume;
    }

    static VolumeModel classicOrigin(String name, long sizeBytes, long maximumBytes) {
        VolumeModel volume = new VolumeModel(name, sizeBytes, maximumBytes);
        volume.kind = Kind.ORIGIN;
        return volume;
    }

    /** A device beside the pool with classic snapshots, or one of these. */
    public boolean isClassic() {
        return kind != Kind.THIN;
    }

    public boolean isClassicSnapshot() {
        return kind == Kind.SHADOW;
    }

    /** A classic snapshot that was made at one moment since then, until now. */
    VolumeModel shadow(Change[] floors, String itsName, Moment itsMoment) {
        Sector[] copies = new Sector[sectors.length];
        Arrays.setAll(copies, i -> sectors[i] == null ? null : sectors[i].shadow(floors[i]));
        VolumeModel copy = new VolumeModel(itsName, sizeBytes, copies);
        copy.moment = itsMoment;
        copy.kind = Kind.SHADOW;
        copy.bornAt = itsMoment.notAfter;
        return copy;
    }

    /** From now on a classic origin shows what a snapshot of it did. */
    void merged(VolumeModel snapshot, Change[] floors, long now) {
        for (int i = 0; i < sectors.length; i++) {
            sectors[i] = snapshot.sectors[i] == null ? null : snapshot.sectors[i].shadow(floors[i]);
        }
        moment = null;
        sizedAt = now;
    }

    /** What a copy that is made from now on may hold at least; for {@link #since}. */
    Change[] floors(long now) {
        Change[] floors = new Change[sectors.length];
        Arrays.setAll(floors, i -> sectors[i] == null ? ZEROS : sectors[i].floor(now));
        return floors;
    }

    /** A copy that was made at one moment since then, until now. */
    VolumeModel since(Change[] floors, String itsName, Moment itsMoment) {
        Sector[] copies = new Sector[sectors.length];
        Arrays.setAll(copies, i -> sectors[i] == null ? null : sectors[i].since(floors[i]));
        VolumeModel copy = new VolumeModel(itsName, sizeBytes, copies);
        copy.moment = itsMoment;
        copy.shares = true;
        copy.originSectors = originSectors;
        shares = true;
        return copy;
    }

    /** From now on this is what another one is. */
    void become(VolumeModel other, long now) {
        System.arraycopy(other.sectors, 0, sectors, 0, sectors.length);
        moment = other.moment;
        originSectors = other.originSectors;
        shares = true;
        setSize(other.sizeBytes, now);
    }

    /** The moment of which a copy, or several made together, are; narrowed by what is seen in them. */
    static final class Moment {
        private long notBefore;
        private long notAfter;

        Moment(long asked, long answered) {
            notBefore = asked;
            notAfter = answered;
        }
    }

    public String name() {
        return name;
    }

    void rename(String newName) {
        name = newName;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    void setSize(long newSizeBytes, long now) {
        sizeBytes = newSizeBytes;
        sizedAt = now;
    }

    /** Other volumes have blocks of it. */
    public void sharing() {
        shares = true;
    }

    /** So much data space is kept for it. */
    public void reserves(long bytes, long moment) {
        reserveBytes = bytes;
        reservedAt = moment;
    }

    /** Whether any space is. */
    public boolean hasReserve() {
        return reserveBytes > 0;
    }

    /** Whether all that it can have mapped lies within its reserve: whoever sends a write then finds space. */
    boolean hasSpace(int blockBytes, long sent) {
        int inBlock = blockBytes / Content.SECTOR_BYTES;
        long blocks = IntStream.range(0, sectors.length)
                .filter(i -> sectors[i] != null)
                .map(i -> i / inBlock)
                .distinct()
                .count();
        return reserveBytes > 0 && sent > reservedAt && !shares && blocks * blockBytes <= reserveBytes;
    }

    /** When its size has changed last. */
    public long sizedAt() {
        return sizedAt;
    }

    void begin(Cloning newCloning) {
        cloning = newCloning;
        moment = null;
        shares = true;
    }

    /** Whether something shows through where nothing is mapped. */
    public boolean isOverOrigin() {
        return originSectors > 0;
    }

    /** Whether a range of it is being replaced. */
    public boolean isCloning() {
        return !cloning.isOver();
    }

    void replace(int sector, Sector by) {
        sectors[sector] = by;
    }

    /** Null: zeros, as from the beginning. */
    Sector known(int sector) {
        return sectors[sector];
    }

    private Sector at(int sector) {
        if (sectors[sector] == null) {
            sectors[sector] = new Sector(ZEROS);
        }
        return sectors[sector];
    }

    /** From a byte, which begins a sector, as many as the length has. */
    void each(long offsetBytes, long lengthBytes, Consumer<Sector> action) {
        int first = (int) (offsetBytes / Content.SECTOR_BYTES);
        int end = (int) ((offsetBytes + lengthBytes) / Content.SECTOR_BYTES);
        for (int i = first; i < Math.min(end, sectors.length); i++) {
            action.accept(at(i));
        }
    }

    private void eachKnown(Consumer<Sector> action) {
        for (Sector sector : sectors) {
            if (sector != null) {
                action.accept(sector);
            }
        }
    }

    void taken(long offsetBytes, long lengthBytes, Change change) {
        moment = null;
        each(offsetBytes, lengthBytes, sector -> sector.add(change));
    }

    /** Unmapped: zeros, or what is below. */
    void trimmed(long offsetBytes, long lengthBytes, Change change) {
        moment = null;
        int first = (int) (offsetBytes / Content.SECTOR_BYTES);
        int end = (int) ((offsetBytes + lengthBytes) / Content.SECTOR_BYTES);
        for (int i = first; i < end; i++) {
            at(i).add(i < originSectors ? change.uncovering() : change);
        }
    }

    void flushed(long sent) {
        eachKnown(sector -> sector.flushed(sent, bornAt));
    }

    void cut() {
        eachKnown(Sector::cut);
        moment = isClassic() ? null : moment;
    }

    void killed(boolean flushFailed) {
        eachKnown(sector -> sector.killed(flushFailed));
    }

    /**
     * A read that was sent then shows these bytes. Whole sectors.
     *
     * @param undoing commits fail: what is not stable may be undone at any time
     */
    void shows(long offsetBytes, byte[] data, long sent, long now, boolean undoing) {
        for (int at = 0; at < data.length; at += Content.SECTOR_BYTES) {
            int number = (int) ((offsetBytes + at) / Content.SECTOR_BYTES);
            long stamp = Content.stampOf(data, at, number);
            if (stamp < 0) {
                throw new Violation(
                        Oracle.FOREIGN,
                        name + ": sector " + number + " holds " + Content.describe(data, at) + ", may hold"
                                + at(number));
            }
            if (cloning.includes(number) && cloning.endedAt() > sent) {
                continue; // before, in the middle, or afterwards
            }
            Sector sector = at(number);
            Change change = stamp == 0 || moment == null ? null : sector.only(stamp);
            long next = change == null ? 0 : sector.nextAnswered(change);
            String before = sector.toString();
            if (!(undoing ? sector.couldShow(stamp, sent) : sector.shows(stamp, sent, now))) {
                throw new Violation(
                        Oracle.PERMITTED,
                        name + ": sector " + number + " holds #" + stamp + ", read sent@" + sent + ", may hold"
                                + sector);
            }
            if (change != null && !undoing) {
                narrow(change.sent, next, number, before);
            }
        }
    }

    /** As {@link #shows} of what a power cut leaves, without a trace. */
    void survives(long offsetBytes, byte[] data, String when, boolean damaged) {
        for (int at = 0; at < data.length; at += Content.SECTOR_BYTES) {
            int number = (int) ((offsetBytes + at) / Content.SECTOR_BYTES);
            long stamp = Content.stampOf(data, at, number);
            Sector sector = sectors[number];
            boolean permitted = sector == null ? stamp == 0 : stamp >= 0 && sector.survives(stamp);
            permitted |= !cloning.isOver() && cloning.includes(number) && cloning.gives(number, stamp);
            if (!permitted) {
                throw new Violation(
                        stamp < 0 ? Oracle.FOREIGN : Oracle.PERMITTED,
                        when + (damaged ? ", with a bit flipped" : "") + ": " + name + ": sector " + number + " holds "
                                + Content.describe(data, at) + ", may hold" + (sector == null ? " zeros" : sector));
            }
        }
    }

    /** Of a snapshot: what it holds was there, and what it lacks was not, at one and the same moment. */
    private void narrow(long sent, long nextAnswered, int number, String before) {
        moment.notBefore = Math.max(moment.notBefore, Math.min(sent, moment.notAfter));
        moment.notAfter = Math.min(moment.notAfter, nextAnswered);
        if (moment.notBefore > moment.notAfter || sent > moment.notAfter) {
            throw new Violation(
                    Oracle.INSTANT,
                    name + ": sector " + number + " is of another moment than others: after " + moment.notBefore
                            + ", before " + moment.notAfter + ": " + before);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}

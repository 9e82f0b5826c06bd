package dev.gossamer.it.sim.judge;

import java.util.Arrays;

/** What one sector may hold: its versions in the order in which they were taken, the oldest that is possible first. */
final class Sector {
    private static final byte LIVE = 0;
    /** After a power cut it is this or another one; the first read tells. */
    private static final byte MAYBE = 1;
    /** After the process was killed: likewise, but a power cut may still make another of it. */
    private static final byte PERHAPS = 2;
    /** Not to be seen any more, unless a power cut brings it back. */
    private static final byte HIDDEN = 3;
    /** Of a write under way while a clone ended: it came before the clone or does so now; who sees it knows. */
    private static final byte EITHER = 4;

    private Change[] changes = new Change[4];
    /** From when on a read has shown this version or a later one. */
    private long[] seen = new long[4];

    private byte[] state = new byte[4];
    /** From before the end of a life: its answer says nothing any more. */
    private boolean[] former = new boolean[4];
    /** From a life in which a FLUSH of the device had failed: the next one's say nothing of it. */
    private boolean[] unsure = new boolean[4];

    private int size;
    /** The least that survives a power cut. */
    private int stable;

    Sector(Change first) {
        add(first);
    }

    void add(Change change) {
        if (size == changes.length) {
            changes = Arrays.copyOf(changes, 2 * size);
            seen = Arrays.copyOf(seen, 2 * size);
            state = Arrays.copyOf(state, 2 * size);
            former = Arrays.copyOf(former, 2 * size);
            unsure = Arrays.copyOf(unsure, 2 * size);
        }
        changes[size] = change;
        former[size] = false;
        unsure[size] = false;
        seen[size] = Change.NEVER;
        state[size++] = LIVE;
    }

    /** What a request that the device has taken but the pool never began is: nothing. */
    private long visible(int i) {
        if (state[i] != LIVE || changes[i].soft) {
            return Change.NEVER;
        }
        return Math.min(changes[i].answered, seen[i]);
    }

    /** The oldest version that a read sent then may show. */
    private int oldestFor(long sent) {
        for (int i = size - 1; i > 0; i--) {
            if (visible(i) < sent) {
                return i;
            }
        }
        return 0;
    }

    /** A read that was sent then, and is answered now, shows this. False: it may not. */
    boolean shows(long stamp, long sent, long now) {
        int first = -1;
        boolean several = false;
        for (int i = oldestFor(sent); i < size; i++) {
            if (changes[i].stamp == stamp && state[i] != HIDDEN) {
                several |= first >= 0;
                first = first < 0 ? i : first;
            }
        }
        if (first >= 0 && !(several && state[first] != LIVE)) {
            settle(first, now);
        }
        return first >= 0;
    }

    /** As {@link #shows} while commits fail: what was not stable may be undone at any time. */
    boolean couldShow(long stamp, long sent) {
        for (int i = Math.min(stable, oldestFor(sent)); i < size; i++) {
            if (changes[i].stamp == stamp) {
                return true;
            }
        }
        return false;
    }

    /** Whether a power cut now may leave this. */
    boolean survives(long stamp) {
        for (int i = stable; i < size; i++) {
            if (changes[i].stamp == stamp) {
                return true;
            }
        }
        return false;
    }

    private void settle(int i, long now) {
        if (state[i] == MAYBE) {
            keepOnly(i);
            seen[0] = Math.min(seen[0], now);
        } else if (state[i] == PERHAPS) {
            for (int j = 0; j < size; j++) {
                if (state[j] == PERHAPS) {
                    state[j] = j == i ? LIVE : HIDDEN;
                }
            }
            seen[i] = Math.min(seen[i], now);
        } else {
            state[i] = LIVE;
            seen[i] = Math.min(seen[i], now);
        }
    }

    /** Of those from before the cut it was this one; later ones follow. It is on the medium. */
    private void keepOnly(int kept) {
        int to = 0;
        for (int i = 0; i < size; i++) {
            if (i == kept || state[i] == LIVE) {
                move(i, to++);
            }
        }
        size = to;
        state[0] = LIVE;
        unsure[0] = false;
        stable = 0;
    }

    private void move(int from, int to) {
        changes[to] = changes[from];
        seen[to] = seen[from];
        state[to] = state[from];
        former[to] = former[from];
        unsure[to] = unsure[from];
    }

    /**
     * A flush that was sent then has been answered: the newest version that had been answered is stable.
     *
     * @param bornAt what was sent before that is not the flush's business
     */
    void flushed(long sent, long bornAt) {
        for (int i = size - 1; i > stable; i--) {
            boolean covered = changes[i].answered < sent && changes[i].sent >= bornAt;
            if (state[i] == LIVE && !changes[i].soft && covered) {
                if (unsure[i]) {
                    return;
                }
                stable = i;
                forget();
                return;
            }
        }
    }

    void stable(Change change) {
        for (int i = size - 1; i > stable; i--) {
            if (changes[i].is(change) && state[i] == LIVE) {
                stable = i;
                forget();
                return;
            }
        }
    }

    /** Versions that neither a read nor a cut can bring back. Reads under way may be older than what is visible now. */
    private void forget() {
        if (size < 24) {
            return;
        }
        int first = Math.min(stable, oldestFor(0));
        for (int i = first; i < size; i++) {
            move(i, i - first);
        }
        size -= first;
        stable -= first;
    }

    /** Power is gone: any version from the stable one on. */
    void cut() {
        end(MAYBE);
        Arrays.fill(unsure, false);
    }

    /**
     * The process is gone, the medium's cache is not.
     *
     * @param flushFailed so that what is in there may be lost all the same
     */
    void killed(boolean flushFailed) {
        end(PERHAPS);
        for (int i = 1; i < size; i++) {
            unsure[i] |= flushFailed;
        }
    }

    private void end(byte becomes) {
        int to = 0;
        for (int i = stable; i < size; i++) {
            move(i, to);
            state[to] = becomes;
            former[to] = true;
            seen[to++] = Change.NEVER;
        }
        size = to;
        stable = 0;
        if (size == 1) {
            state[0] = LIVE;
        }
    }

    /** The oldest version that a read sent now could show. */
    Change floor(long now) {
        return changes[oldestFor(now)];
    }

    /** What a copy may hold that was made at some moment since a version was the oldest possible one. */
    Sector since(Change floor) {
        Sector copy = null;
        for (int i = Math.max(0, indexOf(floor)); i < size; i++) {
            if (state[i] == HIDDEN) {
                continue;
            }
            if (copy == null) {
                copy = new Sector(changes[i]);
            } else {
                copy.add(changes[i]);
                copy.former[copy.size - 1] = former[i] || state[i] != LIVE;
            }
        }
        if (copy.size > 1) {
            Arrays.fill(copy.state, 0, copy.size, MAYBE);
        }
        return copy;
    }

    /** What shows through from here into a classic snapshot: as {@link #since}, but a power cut may undo it here. */
    Sector shadow(Change floor) {
        int first = Math.max(0, indexOf(floor));
        Sector copy = null;
        for (int i = Math.min(stable, first); i < size; i++) {
            copy = with(copy, changes[i]);
            copy.former[copy.size - 1] = former[i] || state[i] != LIVE;
            copy.state[copy.size - 1] = i < first || state[i] == HIDDEN ? HIDDEN : PERHAPS;
        }
        if (copy.size == 1) {
            copy.state[0] = LIVE;
        }
        return copy;
    }

    /** Whether it has been so since a version was the oldest possible one, or may be again. */
    boolean hasSince(Change floor, long stamp) {
        for (int i = Math.min(stable, Math.max(0, indexOf(floor))); i < size; i++) {
            if (changes[i].stamp == stamp) {
                return true;
            }
        }
        return false;
    }

    /**
     * What is there after a clone: something that the source was since then, or what was written meanwhile; if it was
     * not done to its end, perhaps what was there before.
     *
     * @param source null: zeros, as of {@code target}
     */
    static Sector cloned(Sector source, Change floor, Sector target, long asked, boolean done) {
        Sector copy = null;
        for (int i = source == null ? 0 : source.firstSince(floor, done); source != null && i < source.size; i++) {
            if (!done || source.state[i] != HIDDEN) {
                copy = with(copy, source.changes[i]);
            }
        }
        if (source == null) {
            copy = new Sector(VolumeModel.ZEROS);
        }
        if (target == null) {
            copy = done ? copy : with(copy, VolumeModel.ZEROS);
        } else {
            for (int i = done ? 0 : target.stable; i < target.size; i++) {
                boolean meanwhile = target.state[i] == LIVE && target.changes[i].answered > asked;
                boolean old = target.changes[i].soft && target.changes[i].taken < asked;
                if (!done || (meanwhile && !old)) {
                    copy = with(copy, target.changes[i]);
                }
            }
        }
        Arrays.fill(copy.state, 0, copy.size, copy.size > 1 ? PERHAPS : LIVE);
        Arrays.fill(copy.former, 0, copy.size, true);
        for (int i = 0; target != null && i < target.size; i++) {
            if (target.state[i] == LIVE && target.changes[i].answered == Change.NEVER && !target.former[i]) {
                copy.add(target.changes[i]); // may be done yet
                copy.state[copy.size - 1] = EITHER;
                copy.former[copy.size - 1] = true;
            }
        }
        return copy;
    }

    private int firstSince(Change floor, boolean done) {
        int first = Math.max(0, indexOf(floor));
        return done ? first : Math.min(stable, first);
    }

    private static Sector with(Sector sector, Change change) {
        if (sector == null) {
            return new Sector(change);
        }
        sector.add(change);
        return sector;
    }

    private int indexOf(Change change) {
        for (int i = 0; i < size; i++) {
            if (changes[i].equals(change)) {
                return i;
            }
        }
        return -1;
    }

    /** The only version with this stamp; null if there are several, or none. */
    Change only(long stamp) {
        Change found = null;
        for (int i = 0; i < size; i++) {
            if (changes[i].stamp == stamp && state[i] != HIDDEN) {
                if (found != null) {
                    return null;
                }
                found = changes[i];
            }
        }
        return found;
    }

    /** When the version behind this one was answered; {@link Change#NEVER} if there is none. */
    long nextAnswered(Change change) {
        for (int i = 0; i < size - 1; i++) {
            if (changes[i].equals(change)) {
                long next = Change.NEVER;
                for (int j = i + 1; j < size; j++) {
                    next = Math.min(next, changes[j].soft || former[j] ? Change.NEVER : changes[j].answered);
                }
                return next;
            }
        }
        return Change.NEVER;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < size; i++) {
            text.append(i == stable ? " *" : " ").append(changes[i]).append(state[i] == LIVE ? "" : "/" + state[i]);
            text.append(" taken@").append(changes[i].taken);
            if (seen[i] != Change.NEVER) {
                text.append(" seen@").append(seen[i]);
            }
            if (changes[i].answered != Change.NEVER) {
                text.append(" ok@").append(changes[i].answered);
            }
        }
        return text.toString();
    }
}

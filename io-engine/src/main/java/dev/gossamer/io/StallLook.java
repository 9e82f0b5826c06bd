package dev.gossamer.io;

import java.util.HashMap;
import java.util.Map;

/**
 * One look at what an engine has under way, of many at equal distances: an action that several looks in a row have seen
 * does not come back. So nobody asks the clock when an action begins, and time that the whole process has slept through
 * counts for nothing. Confined to whoever looks.
 */
public final class StallLook {
    /** What is kept with an action that no look has seen. */
    public static final int UNSEEN = 0;

    /** Looks after which an action has stalled its file. */
    public static final int STALLED = 5;

    private final int number;
    private final Map<Integer, Integer> stalledSince = new HashMap<>();

    /** @param number of the look, from 1 */
    public StallLook(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }

    /**
     * An action is under way.
     *
     * @param firstLook what was kept with the action
     * @return what to keep with it
     */
    public int sees(int fileDescriptor, int firstLook) {
        if (firstLook == UNSEEN) {
            return number;
        }
        if (number - firstLook >= STALLED) {
            stalledSince.merge(fileDescriptor, firstLook, Math::min);
        }
        return firstLook;
    }

    /** The files that have stalled, each with the number of the first look that saw its oldest action. */
    public Map<Integer, Integer> stalledSince() {
        return stalledSince;
    }
}

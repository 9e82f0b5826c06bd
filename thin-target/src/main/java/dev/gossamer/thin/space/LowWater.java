package dev.gossamer.thin.space;

/**
 * Tells once when free space is down to a mark, and again at a half of it, a quarter, and so on: reminders that get
 * denser as it gets serious (rule W-1). Armed again when a quarter more than the mark is free.
 */
final class LowWater {
    private long mark = Long.MIN_VALUE;
    private long next;

    /** Whether an event is due, now that so much is free. Tells it once. */
    boolean isDue(long free, long newMark) {
        if (mark != newMark || free > newMark + newMark / 4) {
            // Another size of the device, or space has come back (RS-4).
            mark = newMark;
            next = newMark;
        }
        if (free > next) {
            return false;
        }
        next = Math.min(next / 2, free / 2);
        if (free == 0) {
            next = -1;
        }
        return true;
    }
}

package dev.gossamer.io.rate;

/**
 * What the rates of a device have cost its clients, at one moment.
 *
 * @param waiting clients that wait for their turn
 * @param commands commands that had to wait and were let go, ever
 * @param nanos for how long, all together
 */
public record RateWaits(int waiting, long commands, long nanos) {
    /** Nobody ever waited. */
    public static final RateWaits NONE = new RateWaits(0, 0, 0);
}

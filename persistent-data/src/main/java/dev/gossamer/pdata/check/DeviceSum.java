package dev.gossamer.pdata.check;

/**
 * What a check found out about a device.
 *
 * @param root root of its mapping tree; 0: it has details alone
 * @param stored how many mappings its details say; -1: it has no details
 * @param counted how many can be read
 * @param sound whether its tree can be read as a whole
 */
public record DeviceSum(long id, long root, long stored, long counted, boolean sound) {
    /** What {@link #stored} is without details. */
    public static final long NO_DETAILS = -1;

    /** How many mappings are lost, as far as the details say. */
    public long lost() {
        return sound ? 0 : Math.max(0, stored - counted);
    }
}

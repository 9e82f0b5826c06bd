package dev.gossamer.daemon.attach;

import java.util.concurrent.TimeUnit;

/**
 * Whether requests wait at a device and none has ended for so long that the kernel has given its connection up. Nobody
 * else tells of that: a network that was away for a while ends no connection on which nothing was sent, and a server
 * that did not answer in time has ended none at all.
 */
final class StuckRequests {
    // Fields of /sys/block/NAME/stat (kernel: Documentation/block/stat.rst), counted from 0.
    private static final int IN_FLIGHT = 8;
    private static final int[] ENDED = {0, 4, 11, 15}; // reads, writes, discards, flushes

    private final long limitNanos;
    private long ended = -1;
    private long sinceNanos;

    /** @param limitSeconds after which the kernel gives a request up */
    StuckRequests(int limitSeconds) {
        this.limitNanos = TimeUnit.SECONDS.toNanos(limitSeconds + 1L);
    }

    /**
     * One more look at the device.
     *
     * @param stat its line of figures; empty if it has none
     */
    boolean look(String stat, long nowNanos) {
        String[] fields = stat.strip().split("\\s+", -1);
        long total = 0;
        for (int field : ENDED) {
            total += field < fields.length ? number(fields[field]) : 0;
        }
        boolean waits = fields.length > IN_FLIGHT && number(fields[IN_FLIGHT]) > 0;
        if (!waits || total != ended) {
            ended = total;
            sinceNanos = nowNanos;
        }
        return waits && nowNanos - sinceNanos >= limitNanos;
    }

    private static long number(String field) {
        try {
            return Long.parseLong(field);
        } catch (NumberFormatException e) {
            return 0; // a kernel that writes something else there: nothing is known
        }
    }
}

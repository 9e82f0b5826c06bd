package dev.gossamer.io.rate;

import java.util.ArrayList;
import java.util.List;

/** The buckets of one set of rates: those that a read has to find ready, and those of a write. Guarded by the gate. */
final class RateBuckets {
    private final RateBucket[] readOps;
    private final RateBucket[] writeOps;
    private final RateBucket[] readBytes;
    private final RateBucket[] writeBytes;
    private final boolean shared;

    RateBuckets(IoRates rates) {
        RateBucket ops = bucket(rates, rates.iops());
        RateBucket bytes = bucket(rates, rates.bandwidth());
        readOps = those(ops, bucket(rates, rates.readIops()));
        writeOps = those(ops, bucket(rates, rates.writeIops()));
        readBytes = those(bytes, bucket(rates, rates.readBandwidth()));
        writeBytes = those(bytes, bucket(rates, rates.writeBandwidth()));
        shared = ops != null || bytes != null;
    }

    private static RateBucket bucket(IoRates rates, long perSecond) {
        return perSecond == 0 ? null : new RateBucket(perSecond, rates.burstNanos());
    }

    private static RateBucket[] those(RateBucket both, RateBucket own) {
        List<RateBucket> there = new ArrayList<>();
        if (both != null) {
            there.add(both);
        }
        if (own != null) {
            there.add(own);
        }
        return there.toArray(new RateBucket[0]);
    }

    /** Whether reads and writes take from the same bucket. */
    boolean isShared() {
        return shared;
    }

    boolean limits(boolean write) {
        return write ? writeOps.length + writeBytes.length > 0 : readOps.length + readBytes.length > 0;
    }

    /** From when on such a command may go. */
    long readyAt(boolean write, long bytes) {
        long readyAt = Long.MIN_VALUE;
        for (RateBucket bucket : ops(write)) {
            readyAt = Math.max(readyAt, bucket.readyAt());
        }
        if (bytes > 0) {
            for (RateBucket bucket : bytes(write)) {
                readyAt = Math.max(readyAt, bucket.readyAt());
            }
        }
        return readyAt;
    }

    void charge(boolean write, long bytes, long nowNanos) {
        for (RateBucket bucket : ops(write)) {
            bucket.charge(1, nowNanos);
        }
        if (bytes > 0) {
            for (RateBucket bucket : bytes(write)) {
                bucket.charge(bytes, nowNanos);
            }
        }
    }

    void refund(boolean write, long bytes) {
        for (RateBucket bucket : ops(write)) {
            bucket.refund(1);
        }
        if (bytes > 0) {
            for (RateBucket bucket : bytes(write)) {
                bucket.refund(bytes);
            }
        }
    }

    private RateBucket[] ops(boolean write) {
        return write ? writeOps : readOps;
    }

    private RateBucket[] bytes(boolean write) {
        return write ? writeBytes : readBytes;
    }
}

package dev.gossamer.thin.job;

/** How long a job has been at work, rests included, and how long it will be yet. Worker's thread. */
final class JobTime {
    private static final double NANOS = 1e9;

    private final long startedNanos;
    private long stoodNanos;
    private long standsSince;
    private boolean standing;

    JobTime(long now) {
        startedNanos = now;
    }

    /** It is paused, or waits for what may last; that is none of the time that the work takes. */
    void stand(long now) {
        if (!standing) {
            standing = true;
            standsSince = now;
        }
    }

    void goOn(long now) {
        if (standing) {
            standing = false;
            stoodNanos += now - standsSince;
        }
    }

    /** Until it ends, at its pace so far; -1: cannot be told. */
    long remainingSeconds(long done, long total, long now) {
        if (done <= 0 || total <= 0 || standing) {
            return -1;
        }
        double spent = (now - startedNanos - stoodNanos) / NANOS;
        return (long) Math.ceil(spent * Math.max(0, total - done) / done);
    }
}

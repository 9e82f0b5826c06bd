package dev.gossamer.daemon.admin;

/**
 * Where the pool's space is going.
 *
 * @param known whether it has been watched for long enough
 * @param bytesPerHour how much more is used each hour, over the last one; negative if it becomes less
 * @param fullInSeconds when all is used if that goes on; negative if it does not grow
 */
public record SpaceTrend(boolean known, long bytesPerHour, long fullInSeconds) {
    public static final SpaceTrend UNKNOWN = new SpaceTrend(false, 0, -1);

    /** Nobody plans for more than a year ahead: growth that slow is none. */
    private static final double LONGEST_SECONDS = 365.0 * 24 * 3600;

    public static SpaceTrend of(double bytesPerSecond, long freeBytes) {
        double seconds = bytesPerSecond <= 0 ? -1 : freeBytes / bytesPerSecond;
        return new SpaceTrend(
                true, Math.round(bytesPerSecond * 3600), seconds > LONGEST_SECONDS ? -1 : Math.round(seconds));
    }
}

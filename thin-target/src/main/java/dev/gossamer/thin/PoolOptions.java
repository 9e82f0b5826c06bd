package dev.gossamer.thin;

import dev.gossamer.thin.metadata.SurveyFindings;
import java.time.Duration;

/**
 * What the owner of a pool decides when it is opened; nothing of it is stored in the pool.
 *
 * @param onFull for volumes that have no policy of their own
 * @param onFullTimeout how long writes wait for space, counted from the moment the pool ran out; zero = for ever
 * @param lowWaterPercent of the data device: an event is raised when no more than this is free (rule W-1)
 * @param emergencyBytes data space that only volumes marked critical may take; 0 = none (AC-14)
 * @param growth how the devices get larger
 * @param autoExtendBytes the data device grows by itself up to this size; 0 = it does not (rule S-7)
 * @param discard what becomes of TRIM; what the data device cannot do is left out (rule F-1)
 * @param caches what is kept in memory
 * @param owner who has claimed the pool, on devices that others can reach too; null: nobody else can
 * @param idsFromTop new devices get the highest free ids: somebody else, who has the pool at other times, takes the
 *     lowest (OT-58)
 * @param unmarkedCatalog what becomes of a device that may be the catalog of version 0.1.0
 * @param findings of an earlier look at this pool, so that it need not be gone through again
 */
public record PoolOptions(
        OnFull onFull,
        Duration onFullTimeout,
        int lowWaterPercent,
        long emergencyBytes,
        PoolGrowth growth,
        long autoExtendBytes,
        DiscardMode discard,
        PoolCaches caches,
        PoolOwner owner,
        boolean idsFromTop,
        UnmarkedCatalog unmarkedCatalog,
        SurveyFindings findings) {
    /**
     * dm-thin waits 60 seconds. NBD clients that have a time-out of their own usually take 30, and one that expires
     * first costs the whole connection instead of one write: so we answer sooner (rule S-2).
     */
    public static final Duration DEFAULT_ON_FULL_TIMEOUT = Duration.ofSeconds(20);

    private static final int DEFAULT_LOW_WATER_PERCENT = 10;

    /** Waits for space; devices keep their sizes; discards are passed down. */
    public static final PoolOptions DEFAULT = new PoolOptions(
            OnFull.QUEUE,
            DEFAULT_ON_FULL_TIMEOUT,
            DEFAULT_LOW_WATER_PERCENT,
            0,
            PoolGrowth.NONE,
            0,
            DiscardMode.PASSDOWN,
            PoolCaches.DEFAULT,
            null,
            false,
            UnmarkedCatalog.REFUSE,
            SurveyFindings.NONE);

    public PoolOptions withOnFull(OnFull newOnFull, Duration newTimeout) {
        return new PoolOptions(
                newOnFull,
                newTimeout,
                lowWaterPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                discard,
                caches,
                owner,
                idsFromTop,
                unmarkedCatalog,
                findings);
    }

    public PoolOptions withGrowth(PoolGrowth newGrowth, long newAutoExtendBytes) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                emergencyBytes,
                newGrowth,
                newAutoExtendBytes,
                discard,
                caches,
                owner,
                idsFromTop,
                unmarkedCatalog,
                findings);
    }

    public PoolOptions withLowWaterPercent(int newPercent) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                newPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                discard,
                caches,
                owner,
                idsFromTop,
                unmarkedCatalog,
                findings);
    }

    public PoolOptions withEmergency(long newBytes) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                newBytes,
                growth,
                autoExtendBytes,
                discard,
                caches,
                owner,
                idsFromTop,
                unmarkedCatalog,
                findings);
    }

    public PoolOptions withDiscard(DiscardMode newDiscard) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                newDiscard,
                caches,
                owner,
                idsFromTop,
                unmarkedCatalog,
                findings);
    }

    public PoolOptions withCaches(PoolCaches newCaches) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                discard,
                newCaches,
                owner,
                idsFromTop,
                unmarkedCatalog,
                findings);
    }

    public PoolOptions withOwner(PoolOwner newOwner) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                discard,
                caches,
                newOwner,
                idsFromTop,
                unmarkedCatalog,
                findings);
    }

    public PoolOptions withIdsFromTop() {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                discard,
                caches,
                owner,
                true,
                unmarkedCatalog,
                findings);
    }

    public PoolOptions withUnmarkedCatalog(UnmarkedCatalog newChoice) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                discard,
                caches,
                owner,
                idsFromTop,
                newChoice,
                findings);
    }

    public PoolOptions withFindings(SurveyFindings newFindings) {
        return new PoolOptions(
                onFull,
                onFullTimeout,
                lowWaterPercent,
                emergencyBytes,
                growth,
                autoExtendBytes,
                discard,
                caches,
                owner,
                idsFromTop,
                unmarkedCatalog,
                newFindings);
    }
}

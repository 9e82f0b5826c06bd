package dev.gossamer.daemon.cow;

import dev.gossamer.io.Reason;
import dev.gossamer.snapshot.StoreGrowth;
import dev.gossamer.thin.pool.ThinPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A store that is a volume of the pool doubles. Any thread. */
final class VolumeGrowth implements StoreGrowth {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeGrowth.class);

    private final ThinPool pool;
    private final String volume;
    // Why it could not grow, as the log has it: a store that is full asks each second.
    private volatile String told = "";

    VolumeGrowth(ThinPool pool, String volume) {
        this.pool = pool;
        this.volume = volume;
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // The set looks at the size and learns nothing from an error.
    public void grow(String snapshot, long totalBytes, Runnable done) {
        pool.resizeVolume(volume, 2 * totalBytes, false).whenComplete((grown, failure) -> {
            String why = failure == null ? "" : Reason.of(failure);
            if (failure != null && !why.equals(told)) {
                LOG.warn("store={} of snapshot={} cannot grow: {}", volume, snapshot, why);
            }
            told = why;
            done.run();
        });
    }
}

package dev.gossamer.thin.space;

import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.pdata.spacemap.FreedBlocks;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * What becomes of space when a transaction is committed: deletions go on before it if somebody waits for space, low
 * water is noticed after it, and what it has freed goes to the {@link Quarantine} once nobody uses it. Worker's thread.
 */
public final class AfterCommit implements Committer.Listener {
    private final PoolMetadata metadata;
    private final RequestsInFlight inFlight;
    private final PoolFaults faults;
    private final SpaceQuotas quotas;
    private final SpaceWaiters waiters;
    private final SpaceMonitor monitor;
    private final PoolResize resize;
    private final Reclaimer reclaimer;
    private final Quarantine quarantine;

    public AfterCommit(
            PoolMetadata metadata,
            RequestsInFlight inFlight,
            PoolFaults faults,
            SpaceQuotas quotas,
            SpaceWaiters waiters,
            SpaceMonitor monitor,
            PoolResize resize,
            Reclaimer reclaimer,
            Quarantine quarantine) {
        this.metadata = metadata;
        this.inFlight = inFlight;
        this.faults = faults;
        this.quotas = quotas;
        this.waiters = waiters;
        this.monitor = monitor;
        this.resize = resize;
        this.reclaimer = reclaimer;
        this.quarantine = quarantine;
    }

    @Override
    public void beforeCommit() {
        if (waiters.isWaiting()) {
            reclaimer.stepNow();
        }
    }

    @Override
    public void committed(FreedBlocks freed) {
        assert quotas.isRight() : "reserved space is not what a recount finds";
        if (!resize.extendIfLow()) {
            monitor.committed();
        }
        if (!freed.isEmpty()) {
            releaseWhenUnused(freed);
        }
    }

    /**
     * If there is nothing to wait for, who wanted space looks again now, at the metadata blocks that came free, too.
     */
    @Override
    public void idle() {
        if (!metadata.hasWithheldDataBlocks()) {
            waiters.spaceReleased();
        }
    }

    /** Requests that looked up a mapping before it went may still be on their way to a freed block: wait for them. */
    private void releaseWhenUnused(FreedBlocks freed) {
        long incarnation = faults.incarnation();
        inFlight.drain(() -> {
            if (faults.incarnation() == incarnation) {
                quarantine.add(freed);
            }
        });
    }
}

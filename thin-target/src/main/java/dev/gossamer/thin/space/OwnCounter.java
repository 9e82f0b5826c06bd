package dev.gossamer.thin.space;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.OwnBlocks;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts what volumes have of their own, after the pool has been opened or a transaction was aborted (rule AC-1), a few
 * nodes at a time with requests in between. Those that something is promised to come first, one step after the other,
 * for until they are known too much is held for them; the others in the background.
 *
 * <p>What only one tree leads to is all that needs to be looked at, unless a metadata snapshot, or what was kept of
 * one, leads there as well. Volumes without a promise wait until it is gone. Worker's thread.
 */
public final class OwnCounter {
    private static final Logger LOG = LoggerFactory.getLogger(OwnCounter.class);

    /** Nodes a step: less than a millisecond, if they need not be read from a slow disk. */
    private static final int NODES_PER_STEP = 8;

    /** Between two steps that nobody waits for. */
    private static final long PAUSE_NANOS = 5_000_000L;

    /** While a metadata snapshot is held, to see whether it still is. */
    private static final long HELD_PAUSE_NANOS = 1_000_000_000L;

    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final PoolDevices devices;
    private final PoolState state;
    private final PoolFaults faults;
    private final Reclaimer reclaimer;
    private final SpaceQuotas quotas;
    private final SpaceWaiters waiters;
    // At most the pool's volumes.
    private final Deque<ThinDevice> waiting = new ArrayDeque<>();
    private boolean queued;
    private boolean closed;

    public OwnCounter(
            IoLoop loop,
            PoolMetadata metadata,
            PoolDevices devices,
            PoolState state,
            PoolFaults faults,
            Reclaimer reclaimer,
            SpaceQuotas quotas,
            SpaceWaiters waiters) {
        this.loop = loop;
        this.metadata = metadata;
        this.devices = devices;
        this.state = state;
        this.faults = faults;
        this.reclaimer = reclaimer;
        this.quotas = quotas;
        this.waiters = waiters;
        devices.account().whenCounted(() -> loop.execute(this::counted));
    }

    /** Begins with all volumes of which nothing is known. */
    public void begin() {
        waiting.clear();
        for (ThinDevice device : devices.all()) {
            if (device.account().own().isKnown()) {
                continue;
            }
            if (device.damage() != null) {
                device.account().giveUpCounting();
            } else if (device.account().isUncounted()) {
                waiting.addFirst(device);
            } else {
                waiting.addLast(device);
            }
        }
        queue(0);
    }

    /** A volume has got a promise: it goes before those that have none. */
    public void promised(ThinDevice device) {
        if (device.account().isUncounted()) {
            waiting.remove(device);
            waiting.addFirst(device);
            queue(0);
        }
    }

    public void close() {
        closed = true;
        waiting.clear();
    }

    private void queue(long pauseNanos) {
        if (queued || waiting.isEmpty()) {
            return;
        }
        queued = true;
        if (pauseNanos == 0) {
            loop.execute(this::step);
        } else {
            loop.schedule(this::step, pauseNanos);
        }
    }

    private void step() {
        queued = false;
        ThinDevice device = waiting.peek();
        if (device == null || closed || state.mode() == PoolMode.FAIL) {
            return;
        }
        boolean privateOnly = metadata.heldRoot() == 0 && reclaimer.pendingVolumes() == 0;
        if (!privateOnly && !device.account().isUncounted()) {
            queue(HELD_PAUSE_NANOS);
            return;
        }
        if (devices.withId(device.id()) != device || count(device, privateOnly)) {
            waiting.poll();
        }
        queue(quotas.isCounting() ? 0 : PAUSE_NANOS);
    }

    /** What volumes need is known: whoever waited for that looks again. */
    private void counted() {
        if (quotas.isImpossible()) {
            LOG.warn("volumes have been promised more together than the pool has, so nothing is held back for any;"
                    + " 'gossamer volume set --reserve' changes that");
        } else if (quotas.missingBlocks() > 0) {
            LOG.warn(
                    "{} bytes of what volumes have been promised cannot be kept; grow the pool, trim or delete volumes",
                    quotas.missingBlocks() * metadata.blockBytes());
        }
        waiters.spaceReleased();
    }

    /** @return whether nothing is left to do for the volume */
    private boolean count(ThinDevice device, boolean privateOnly) {
        OwnBlocks own = device.account().own();
        try {
            return own.isKnown() || metadata.countOwn(device.id(), NODES_PER_STEP, privateOnly);
        } catch (StorageException e) {
            // Damage too: counting changes nothing, so the volume is what it was until somebody needs what is damaged.
            LOG.warn("what volume {} has of its own cannot be counted: {}", device.name(), e.getMessage());
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
        }
        device.account().giveUpCounting();
        return true;
    }
}

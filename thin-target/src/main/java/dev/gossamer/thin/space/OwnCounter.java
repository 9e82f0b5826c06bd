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
import java.util.LinkedHashSet;
import java.util.SequencedSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts what volumes that something is promised to have of their own, after the pool has been opened or a transaction
 * was aborted (rule AC-1), a few nodes at a time with requests in between: until that is known too much is held for
 * them. Of others nobody needs it, and opening a pool shall not cost more for more mappings; it is known of them when
 * they have been made, or a snapshot of them, since then.
 *
 * <p>What only one tree leads to is all that needs to be looked at, unless a metadata snapshot, or what was kept of
 * one, leads there as well. Worker's thread.
 */
public final class OwnCounter {
    private static final Logger LOG = LoggerFactory.getLogger(OwnCounter.class);

    /** Nodes a step: less than a millisecond, if they need not be read from a slow disk. */
    private static final int NODES_PER_STEP = 8;

    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final PoolDevices devices;
    private final PoolState state;
    private final PoolFaults faults;
    private final Reclaimer reclaimer;
    private final SpaceQuotas quotas;
    private final SpaceWaiters waiters;
    // At most the pool's volumes.
    private final SequencedSet<ThinDevice> waiting = new LinkedHashSet<>();
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

    /** Begins with all volumes that have a promise and of which nothing is known. */
    public void begin() {
        waiting.clear();
        for (ThinDevice device : devices.all()) {
            if (device.damage() != null) {
                device.account().giveUpCounting();
            }
            promised(device);
        }
    }

    /** A volume may have got a promise. */
    public void promised(ThinDevice device) {
        if (device.account().isUncounted() && waiting.add(device)) {
            queue();
        }
    }

    public void close() {
        closed = true;
        waiting.clear();
    }

    private void queue() {
        if (!queued && !waiting.isEmpty()) {
            queued = true;
            loop.execute(this::step);
        }
    }

    private void step() {
        queued = false;
        if (waiting.isEmpty() || closed || state.mode() == PoolMode.FAIL) {
            return;
        }
        ThinDevice device = waiting.getFirst();
        boolean privateOnly = metadata.heldRoot() == 0 && reclaimer.pendingVolumes() == 0;
        boolean wanted =
                devices.withId(device.id()) == device && device.account().isUncounted();
        if (!wanted || count(device, privateOnly)) {
            waiting.removeFirst();
        }
        queue();
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

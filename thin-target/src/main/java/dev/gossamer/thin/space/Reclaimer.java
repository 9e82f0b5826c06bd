package dev.gossamer.thin.space;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.DeviceIds;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reclaims the blocks of deleted volumes in the background (rule MSG-8).
 *
 * <p>Deleting a volume moves its mappings, in the one transaction that also takes its id and name away, to a high
 * device id whose details say that it is {@linkplain DeviceDetails#isRetired retired}. From there this takes them away,
 * a bounded number at a time, each step leaving a sound pool: a commit may come in between, and a crash loses no more
 * than the steps since. To another dm-thin implementation the rest is a thin device, to be deleted like any other. What
 * is freed passes through the {@link Quarantine}, so it is discarded too (DI-12).
 *
 * <p>Pace: a step, then a pause, so that the worker's other duties go on; no pause while somebody waits for space.
 *
 * <p>Worker's thread.
 */
public final class Reclaimer {
    private static final Logger LOG = LoggerFactory.getLogger(Reclaimer.class);

    /** No device. */
    public static final int NONE = -1;

    /** Mappings of a step: five to thirteen leaves of the tree, about a millisecond. */
    public static final int STEP_MAPPINGS = 1024;

    /** Between two steps: with steps of a millisecond, half of the worker's time. */
    public static final long PAUSE_NANOS = 1_000_000L;

    /** While freed blocks take too much memory, to see whether they still do. */
    private static final long WITHHELD_PAUSE_NANOS = 10_000_000L;

    /** While the metadata is frozen, to see whether it still is. */
    private static final long FROZEN_PAUSE_NANOS = 1_000_000_000L;

    /** Highest id for a retired device; the one above is the catalog's. */
    private static final int HIGHEST_ID = DeviceDetails.MAX_DEVICES - 2;

    private final PoolState state;
    private final Committer committer;
    private final SpaceWaiters spaceWaiters;
    private final DeviceIds deviceIds;
    private final PoolFaults faults;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final WithheldLimit withheld;
    // Device id to mappings left; as many as there are deletions not finished, at most the pool's devices.
    private final TreeMap<Integer, Long> pending = new TreeMap<>();
    // Ids of trees that a metadata snapshot still has: as many as it has devices, at most.
    private final TreeSet<Integer> kept = new TreeSet<>();
    private boolean timerArmed;
    // There was too little metadata for a step, and nothing to commit that would have given some back.
    private boolean stalled;
    private boolean closed;

    public Reclaimer(
            IoLoop loop,
            PoolMetadata metadata,
            PoolState state,
            PoolFaults faults,
            Committer committer,
            SpaceWaiters spaceWaiters,
            DeviceIds deviceIds,
            WithheldLimit withheld) {
        this.state = state;
        this.committer = committer;
        this.spaceWaiters = spaceWaiters;
        this.deviceIds = deviceIds;
        this.faults = faults;
        this.loop = loop;
        this.metadata = metadata;
        this.withheld = withheld;
    }

    /**
     * Notes a retired device; {@link #start} begins with it. One that is known to be damaged is left as it is: what it
     * maps may be others'.
     */
    public void found(int id, DeviceDetails details) {
        if (metadata.damageOf(id) == null) {
            pending.put(id, details.mappedBlocks());
        } else {
            leave(id, metadata.damageOf(id));
        }
    }

    /** Its space is lost until the metadata is repaired; nothing else is. */
    private static void leave(int id, String why) {
        LOG.error("deleted volume, device {}, is not reclaimed: {}", id, why);
    }

    /** Begins, or goes on, if there is anything to do. */
    public void start() {
        if (!pending.isEmpty()) {
            pause(PAUSE_NANOS);
        }
    }

    /**
     * Deletes a device, or retires it if that would take long. Part of the caller's transaction. @return the id, or
     * NONE
     */
    public int delete(int id) throws StorageException {
        if (metadata.life().isDeletedAtOnce(id, STEP_MAPPINGS)
                && metadata.room().hasForDeletionAtOnce(id, STEP_MAPPINGS)) {
            metadata.life().deleteDevice(id);
            return NONE;
        }
        int retiredId = freeIdAbove(id);
        metadata.life().retireDevice(id, retiredId);
        return retiredId;
    }

    /** Below those that are taken: a search from the top would go past every deletion that is not finished. */
    private int freeIdAbove(int id) throws StorageException {
        int lowest = Math.min(
                pending.isEmpty() ? HIGHEST_ID + 1 : pending.firstKey(),
                kept.isEmpty() ? HIGHEST_ID + 1 : kept.getFirst());
        int free = lowest - 1 > id ? lowest - 1 : HIGHEST_ID;
        while (!metadata.life().isFreeId(free)) {
            if (--free == id) {
                throw new StorageException(
                        Errno.ENOSPC, "no device id is free to keep what is being deleted; try again later");
            }
        }
        return free;
    }

    /** An id for a retired device that shares all with the metadata snapshot: it waits for {@link #beginKept}. */
    public int idToKeep() throws StorageException {
        int free = freeIdAbove(NONE);
        kept.add(free);
        return free;
    }

    /** The metadata snapshot has been let go of, or stays after all: what was kept of it can be reclaimed. */
    public void beginKept() {
        for (int id : kept) {
            DeviceDetails details = metadata.detailsIfReadable(id);
            if (details != null && details.isRetired()) {
                found(id, details);
            }
        }
        kept.clear();
        start();
    }

    /** The transaction that retired a device is committed. */
    public void retired(int id) throws StorageException {
        found(id, metadata.details(id));
        start();
    }

    /** Whether blocks will come free without anybody's doing: who wants some waits for the next commit then. */
    public boolean isPending() {
        return mayStep() && !stalled;
    }

    private boolean mayStep() {
        return !pending.isEmpty() && !closed && !state.isMetadataReadOnly();
    }

    /** Mappings that are still to be taken away; the blocks behind them may be shared. */
    public long pendingBlocks() {
        return pending.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Deleted volumes of which something is left. */
    public int pendingVolumes() {
        return pending.size();
    }

    /** Somebody waits for space: a step without a pause. Freed blocks count from the next commit on. */
    void stepNow() {
        if (mayStep()) {
            step();
        }
    }

    /** The transaction is gone: what it had reclaimed is there again. */
    public void aborted() {
        pending.clear();
        kept.clear();
        try {
            for (int id : metadata.deviceIds()) {
                DeviceDetails details = metadata.detailsIfReadable(id);
                if (details != null && details.isRetired()) {
                    found(id, details);
                }
            }
        } catch (StorageException e) {
            // Unreadable metadata: the pool fails for the same reason, and reclaims when it is opened again.
            pending.clear();
        }
        start();
    }

    public void close() {
        closed = true;
    }

    private void pause(long nanos) {
        if (!timerArmed) {
            timerArmed = true;
            loop.schedule(
                    () -> {
                        timerArmed = false;
                        step();
                    },
                    nanos);
        }
    }

    /** Mappings that a step can take away with the metadata that there is; 0: not one. */
    private int affordable(int id) throws StorageException {
        int mappings = STEP_MAPPINGS;
        while (mappings > 0 && !metadata.room().hasForReclaim(id, mappings)) {
            mappings /= 2;
        }
        return mappings;
    }

    private void step() {
        if (closed || pending.isEmpty()) {
            return;
        }
        if (state.isMetadataReadOnly()) {
            pause(FROZEN_PAUSE_NANOS);
            return;
        }
        if (withheld.isReached()) {
            pause(WITHHELD_PAUSE_NANOS);
            return;
        }
        int id = pending.firstKey();
        try {
            if (!step(id)) {
                return;
            }
        } catch (MetadataCorrupt e) {
            unreadable(id, e);
        } catch (StorageException e) {
            faults.abort(e);
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            return;
        }
        start();
    }

    /** A step of a device. @return false if there is none now: then it is known when to look again */
    private boolean step(int id) throws StorageException {
        int mappings = affordable(id);
        if (mappings < STEP_MAPPINGS && committer.isWriting()) {
            committer.whenQuiet(this::step);
            return false;
        }
        if (mappings < STEP_MAPPINGS && metadata.isChanged()) {
            // A step needs a few blocks for copies of nodes; a commit gives back what earlier steps have freed.
            committer.commitNow();
            mappings = affordable(id);
        }
        stalled = mappings == 0;
        if (stalled) {
            pause(FROZEN_PAUSE_NANOS);
            return false;
        }
        long left = metadata.life().reclaim(id, mappings);
        committer.changed();
        if (spaceWaiters.isWaiting()) {
            // The commit takes the next step at once.
            committer.commitSoon();
        }
        if (left == 0) {
            pending.remove(id);
            deviceIds.freed(id);
        } else {
            pending.put(id, left);
        }
        return true;
    }

    private void unreadable(int id, MetadataCorrupt e) {
        if (metadata.isHalfChanged()) {
            faults.abort(e);
        } else {
            leave(id, e.getMessage());
            pending.remove(id);
        }
    }
}

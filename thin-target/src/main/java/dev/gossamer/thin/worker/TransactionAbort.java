package dev.gossamer.thin.worker;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.DeviceIds;
import dev.gossamer.thin.device.PartialTrims;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolEvents;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.Quarantine;
import dev.gossamer.thin.space.Reclaimer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens when a metadata operation fails (rules E-1 to E-4, M-2).
 *
 * <ol>
 *   <li>A new incarnation of the metadata begins: blocks in preparation will not be mapped, their writes get EIO (E-2).
 *       Where they are writing is free in the committed state; nothing is allocated before the pool is opened again,
 *       and it is closed only when they have ended (E-4).
 *   <li>Everything in memory is thrown away and read anew from the last superblock. The transaction being written is
 *       lost as well as the running one. What the writer has under way ends some time, and nobody cares how: it lies
 *       where the last superblock uses nothing, but for the next superblock, which is as good a state, as nothing is
 *       written on the strength of either.
 *   <li>needs_check is written into the superblock, once nothing is under way any more, so that it has the last word.
 *       The pool is READ_ONLY; if that did not work either, FAIL.
 *   <li>Extent maps are emptied (E-3). A volume whose acknowledged changes are lost fails its flushes from now on
 *       (G-6).
 * </ol>
 *
 * <p>Worker's thread.
 */
public final class TransactionAbort implements PoolFaults.Handler {
    private static final Logger LOG = LoggerFactory.getLogger(TransactionAbort.class);

    /** Who finds no memory while he ends a pool tries so often: others give some back meanwhile. */
    private static final int ATTEMPTS = 10;

    private final PoolMetadata metadata;
    private final PoolDevices devices;
    private final DeviceIds deviceIds;
    private final PartialTrims partialTrims;
    private final MapPublisher maps;
    private final Committer committer;
    private final Reclaimer reclaimer;
    private final Quarantine quarantine;
    private final AllWhoWait allWhoWait;
    private final PoolState state;
    private final PoolEvents events;
    private final PoolFaults faults;

    public TransactionAbort(
            PoolMetadata metadata,
            PoolDevices devices,
            DeviceIds deviceIds,
            PartialTrims partialTrims,
            MapPublisher maps,
            Committer committer,
            Reclaimer reclaimer,
            Quarantine quarantine,
            AllWhoWait allWhoWait,
            PoolState state,
            PoolEvents events,
            PoolFaults faults) {
        this.metadata = metadata;
        this.devices = devices;
        this.deviceIds = deviceIds;
        this.partialTrims = partialTrims;
        this.maps = maps;
        this.committer = committer;
        this.reclaimer = reclaimer;
        this.quarantine = quarantine;
        this.allWhoWait = allWhoWait;
        this.state = state;
        this.events = events;
        this.faults = faults;
    }

    @Override
    public void damaged(ThinDevice device, String what) {
        if (device.damage() != null) {
            return;
        }
        device.damaged(what);
        try {
            maps.forget(device);
            LOG.error("volume {}: its metadata is damaged: {}", device.name(), what);
            events.add(PoolEvent.Kind.DAMAGED, "volume " + device.name() + " is damaged: " + what);
        } catch (RuntimeException | Error bug) {
            failed(bug);
        }
    }

    @Override
    public void abort(Exception cause) {
        if (state.mode() == PoolMode.FAIL) {
            return;
        }
        faults.beginIncarnation();
        try {
            throwAway(cause);
        } catch (RuntimeException | Error bug) {
            failed(bug);
        }
    }

    private void throwAway(Exception cause) {
        LOG.error("metadata operation failed, transaction aborted: {}", Reason.of(cause), cause);
        PoolMode worse = PoolMode.READ_ONLY;
        String why = Reason.of(cause);
        boolean flagLater = committer.isWriting();
        try {
            metadata.abort();
            if (!flagLater) {
                metadata.setNeedsCheck();
            }
        } catch (StorageException e) {
            worse = PoolMode.FAIL;
            why = "abort failed: " + e.getMessage();
        }
        state.degrade(worse, why);
        for (ThinDevice device : devices.all()) {
            if (committer.isUncommitted(device)) {
                device.loseChanges();
            }
            maps.forget(device);
        }
        if (worse != PoolMode.FAIL) {
            devices.reload(metadata);
            reclaimer.aborted();
            deviceIds.aborted();
        }
        partialTrims.forgetAll();
        committer.aborted();
        quarantine.aborted();
        allWhoWait.failThoseForSpace();
        if (flagLater) {
            committer.whenQuiet(this::flag);
        }
    }

    private void flag() {
        if (state.mode() == PoolMode.FAIL) {
            return;
        }
        try {
            metadata.setNeedsCheck();
        } catch (StorageException e) {
            state.degrade(PoolMode.FAIL, "abort failed: " + e.getMessage());
        }
    }

    /** A bug: nothing in memory can be trusted any more, nor be used to write to the device. */
    @Override
    public void failed(Throwable bug) {
        fail("internal error", bug);
    }

    /** The pool has another owner: what is in memory is of no use any more, and must not be written (OP-10). */
    @Override
    public void disowned(String why) {
        fail(why, null);
    }

    /** Nothing up to the mode needs memory; what comes after it may throw as often as it likes. */
    private void fail(String why, Throwable bug) {
        faults.beginIncarnation();
        PoolMode before = state.fail(why);
        metadata.writer().cancel();
        try {
            state.tell(before, bug == null ? why : why + ": " + bug);
            LOG.error("pool failed: {}", state.cause(), bug);
        } catch (RuntimeException | Error noMemory) {
            // The mode tells, and the short cause.
        }
        for (int attempt = 0; attempt < ATTEMPTS && !hasEnded(); attempt++) {
            // Each goes on where the last one has thrown.
        }
    }

    private boolean hasEnded() {
        try {
            allWhoWait.fail();
            quarantine.aborted();
            return true;
        } catch (RuntimeException | Error worse) {
            return false;
        }
    }

    /** The data device has lost writes: nothing may be committed that names them (G-8). Reads go on. */
    public void dataLost(String why) {
        if (committer.hasChanges()) {
            abort(new StorageException(Errno.EIO, why));
        } else {
            state.degrade(PoolMode.READ_ONLY, why);
            allWhoWait.failThoseForSpace();
        }
    }
}

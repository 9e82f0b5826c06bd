package dev.gossamer.thin.space;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.PoolEvents;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.device.VolumeHandle;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Requests that need a block when there is none (rules S-1 to S-3, M-2, M-3).
 *
 * <ol>
 *   <li>Blocks freed by the open transaction come back with its commit, and what a move has taken with its end: the
 *       request waits for that, and is looked at again.
 *   <li>If there is still no data block, the pool is out of data space. The request waits on, or gets ENOSPC, as its
 *       volume or else the pool says ({@link OnFull}).
 *   <li>When the pool has been out of space for as long as its time-out says, all who wait get ENOSPC, and so does who
 *       comes later, until there is space again (M-7).
 * </ol>
 *
 * <p>There are never more waiters than requests that connections may have under way; a connection that ends takes its
 * own with it (N-5). Worker's thread, but for {@link #count}.
 */
public final class SpaceWaiters {
    private static final Logger LOG = LoggerFactory.getLogger(SpaceWaiters.class);

    private final WorkerQueue queue;
    private final Cells cells;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final PoolEvents events;
    private final PoolState state;
    private final Committer committer;
    private final SpaceQuotas quotas;
    private final SpaceMonitor monitor;
    private final PoolOptions options;
    private PoolResize resize;
    private Reclaimer reclaimer;
    private RoomProbe probe;

    // Waiting for a commit, for requests under way that keep freed blocks from being given out, or for an extension.
    private final RequestQueue forCommit = new RequestQueue();
    // Waiting for space.
    private final RequestQueue held = new RequestQueue();

    private final DeviceRoom deviceRoom = new DeviceRoom();
    private boolean tryArmed;

    /** Counts the times the pool ran out, so that a timer knows whether it is meant. */
    private long episode;

    private boolean timedOut;
    // Volumes with a time-out of their own that has passed: as many as there are volumes, at most.
    private final Set<ThinDevice> late = new HashSet<>();
    // Those whose time-out runs.
    private final Set<ThinDevice> timed = new HashSet<>();
    private boolean closing;

    // Written by the worker; read by the management API, to which a slightly old value is as good.
    private volatile int heldCount;
    private volatile long heldSinceNanos;

    public SpaceWaiters(
            WorkerQueue queue,
            Cells cells,
            IoLoop loop,
            PoolMetadata metadata,
            PoolState state,
            PoolEvents events,
            Committer committer,
            SpaceQuotas quotas,
            SpaceMonitor monitor,
            PoolOptions options) {
        this.state = state;
        this.committer = committer;
        this.quotas = quotas;
        this.monitor = monitor;
        this.queue = queue;
        this.cells = cells;
        this.loop = loop;
        this.metadata = metadata;
        this.events = events;
        this.options = options;
    }

    /** Names what brings space without anybody's doing. Once, while the pool is put together. */
    public void waitFor(PoolResize itsResize, Reclaimer itsReclaimer, RoomProbe itsProbe) {
        probe = itsProbe;
        resize = itsResize;
        reclaimer = itsReclaimer;
        metadata.whenNoneIsReserved(this::preparationsEnded);
    }

    /** Requests waiting for space. Any thread. */
    public int count() {
        return heldCount;
    }

    /** How long somebody has been waiting for space. */
    public long waitedNanos() {
        return heldCount == 0 ? 0 : loop.nanoTime() - heldSinceNanos;
    }

    /**
     * What happens now to a write of a volume without a policy of its own: the time-out turns QUEUE into ERROR (M-7).
     */
    public OnFull effectivePolicy() {
        return timedOut || closing ? OnFull.ERROR : options.onFull();
    }

    /** There is no data block for the request. */
    void needData(VolumeHandle volume, BlockRequest request, String why) {
        if (deviceRoom.isFull()) {
            hold(volume, request, why);
            return;
        }
        if (resize.extendIfLow()) {
            forCommit.add(request);
            return;
        }
        if (committer.canFreeBlocks() || reclaimer.isPending()) {
            forCommit.add(request);
            committer.commitSoon();
            return;
        }
        if (quotas.isMoving() || quotas.isCounting()) {
            forCommit.add(request); // the end of the move, or of the count, has it look again
            return;
        }
        hold(volume, request, why);
    }

    /**
     * Has a request wait for space, or fails it, as its volume or else the pool says. That comes first: what is thrown
     * by the rest, a timer that cannot be had for instance, ends the pool, and that answers those who are kept.
     */
    private void hold(VolumeHandle volume, BlockRequest request, String why) {
        boolean begins = state.mode() == PoolMode.WRITE;
        keepOrFail(volume, request);
        if (begins) {
            state.degrade(PoolMode.OUT_OF_DATA_SPACE, why);
            startTimeout();
        }
        if (deviceRoom.isFull()) {
            tryLater();
        }
    }

    private void keepOrFail(VolumeHandle volume, BlockRequest request) {
        OnFull own = volume.device().onFull();
        OnFull policy = isTooLate(volume.device()) || closing ? OnFull.ERROR : own != null ? own : options.onFull();
        if (policy == OnFull.ERROR || !volume.waitsForSpace()) {
            queue.handBack(request, Errno.ENOSPC);
            return;
        }
        if (held.isEmpty()) {
            heldSinceNanos = loop.nanoTime();
        }
        held.add(request);
        heldCount = held.size();
        startTimeout(volume.device());
    }

    private boolean isTooLate(ThinDevice device) {
        return device.limits().onFullSeconds() > 0 ? late.contains(device) : timedOut;
    }

    /** Whether what is below the data device is full, and this is not the write that is to find out. */
    boolean isDeviceFull() {
        return deviceRoom.refuses(loop.nanoTime());
    }

    /**
     * Takes the writes of a block that could not be filled, if that was for want of room below the data device: they
     * wait or fail like those for which the pool has no block. The block has been given back.
     *
     * @return whether it was that
     */
    public boolean takeIfDeviceIsFull(RequestQueue writes, int errno) {
        if (!DeviceRoom.isMeantBy(errno)) {
            return false;
        }
        deviceRoom.becameFull(loop.nanoTime());
        for (BlockRequest r = writes.poll(); r != null; r = writes.poll()) {
            hold((VolumeHandle) r.parkedBy(), r, DeviceRoom.FULL);
        }
        return true;
    }

    /** Whether an errno says that there is no room below the data device. Any thread. */
    public static boolean isFullBelow(int errno) {
        return DeviceRoom.isMeantBy(errno);
    }

    /** A write to a mapped block has met that: it waits or fails like one that needs a block. On its loop. */
    public void refusedBelow(VolumeHandle volume, BlockRequest request) {
        request.park(volume);
        loop.execute(() -> refused(request));
    }

    /** The same for a write that the worker has made itself, and is still parked at its volume. */
    public void refused(BlockRequest request) {
        if (state.isMetadataReadOnly()) {
            queue.handBack(request, Errno.ENOSPC);
            return;
        }
        int seen = request.takings();
        try {
            deviceRoom.becameFull(loop.nanoTime());
            request.setFlags(request.flags() | BlockRequest.TRIES_ROOM);
            hold((VolumeHandle) request.parkedBy(), request, DeviceRoom.FULL);
        } catch (RuntimeException | Error bug) {
            if (request.takings() == seen) {
                queue.handBack(request, Errno.EIO);
            }
            loop.faults().caught(bug);
        }
    }

    /** Such a write has found room after all. Any thread. */
    public void wroteBelow() {
        loop.execute(this::deviceHasRoom);
    }

    /** A block has been filled: there is room below the data device. */
    public void deviceHasRoom() {
        if (deviceRoom.isFull()) {
            deviceRoom.hasRoom();
            spaceReleased();
        }
    }

    /** Nobody tells when a file system has room again: one of those who wait finds out, or else the pool itself. */
    private void tryLater() {
        if (!tryArmed) {
            loop.schedule(
                    () -> {
                        tryArmed = false;
                        tryOne();
                    },
                    DeviceRoom.TRY_NANOS);
            tryArmed = true;
        }
    }

    private void tryOne() {
        if (!deviceRoom.isFull() || closing || state.isMetadataReadOnly()) {
            return;
        }
        tryLater();
        if (held.isEmpty()) {
            probe();
        } else {
            RequestQueue one = new RequestQueue();
            one.add(held.poll());
            heldCount = held.size();
            cells.readmit(one);
        }
    }

    private void probe() {
        try {
            probe.start(errno -> {
                if (errno == Errno.OK) {
                    deviceHasRoom();
                }
            });
        } catch (StorageException e) {
            LOG.debug("no block to find out with", e); // the next write finds out, or the next try
        }
    }

    /**
     * There is no metadata for the request. Commits may bring some back, those of blocks in preparation too, and so may
     * an extension (S-3). Otherwise this is the end: TRIM is advice, and may be without effect.
     */
    public void needMetadata(BlockRequest request) throws StorageException {
        if (resize.extendForMetadata()) {
            forCommit.add(request);
        } else if (committer.canFreeMetadata()) {
            forCommit.add(request);
            committer.commitSoon();
        } else if (metadata.room().preparations() > 0) {
            forCommit.add(request);
        } else {
            if (metadata.room().isUsedUp()) {
                monitor.outOfMetadata();
            }
            queue.handBack(request, request.operation() == BlockOperation.DISCARD ? Errno.OK : Errno.ENOSPC);
        }
    }

    /** The request waits until blocks that were freed earlier have been released. */
    void needRelease(BlockRequest request) {
        forCommit.add(request);
    }

    /**
     * The last block that was in preparation has been mapped, or given back: who waited for that, or for a block, looks
     * again.
     */
    private void preparationsEnded() {
        if (isWaiting()) {
            committer.commitSoon();
        }
    }

    /** Whether somebody waits for space. */
    boolean isWaiting() {
        return !forCommit.isEmpty() || !held.isEmpty();
    }

    /**
     * Blocks that were freed, or new ones, can be allocated now: leaves OUT_OF_DATA_SPACE and serves who waited (M-3).
     */
    public void spaceReleased() {
        if (quotas.spareNow() > 0 && !deviceRoom.isFull()) {
            state.recover(PoolMode.OUT_OF_DATA_SPACE, PoolMode.WRITE, "there are free data blocks again");
            if (state.mode() == PoolMode.WRITE) {
                episode++;
                timedOut = false;
                late.clear();
                timed.clear();
            }
        }
        RequestQueue retry = new RequestQueue();
        forCommit.moveTo(retry);
        if ((metadata.dataBlocksFree() > 0 && !deviceRoom.isFull()) || state.isMetadataReadOnly()) {
            held.moveTo(retry);
            heldCount = 0;
        }
        cells.readmit(retry);
    }

    /** Fails everybody who waits. */
    public void fail(int errno) {
        queue.handBackAll(forCommit, errno);
        queue.handBackAll(held, errno);
        heldCount = 0;
    }

    /** The user of a handle is gone: its requests end, soon. Any thread. */
    public void abandonSoon(VolumeHandle volume) {
        if (heldCount > 0) {
            loop.execute(() -> abandon(volume));
        }
    }

    /** A connection has ended: nobody wants to know what becomes of its requests, so they end without effect (N-5). */
    private void abandon(VolumeHandle volume) {
        queue.handBackAll(takeHeld(volume::equals), Errno.ESHUTDOWN);
    }

    /** Some of those who wait for space do so no more. */
    private RequestQueue takeHeld(Predicate<VolumeHandle> whose) {
        RequestQueue others = new RequestQueue();
        RequestQueue its = new RequestQueue();
        for (BlockRequest r = held.poll(); r != null; r = held.poll()) {
            (whose.test((VolumeHandle) r.parkedBy()) ? its : others).add(r);
        }
        others.moveTo(held);
        heldCount = held.size();
        return its;
    }

    /** The pool is about to be closed: nobody waits any longer, or later. */
    public void close() {
        closing = true;
        fail(Errno.ENOSPC);
    }

    private void startTimeout() {
        long nanos = options.onFullTimeout().toNanos();
        long its = ++episode;
        if (nanos > 0) {
            loop.schedule(() -> timeOut(its), nanos);
        }
    }

    /** A volume's own, from its first request that waits on; the pool's does not count for it. */
    private void startTimeout(ThinDevice device) {
        int seconds = device.limits().onFullSeconds();
        if (seconds > 0 && timed.add(device)) {
            long its = episode;
            loop.schedule(() -> timeOut(device, its), TimeUnit.SECONDS.toNanos(seconds));
        }
    }

    private void timeOut(ThinDevice device, long its) {
        if (its == episode && !closing && !state.mode().isFinal() && timed.contains(device)) {
            late.add(device);
            queue.handBackAll(takeHeld(volume -> volume.device() == device), Errno.ENOSPC);
        }
    }

    private void timeOut(long its) {
        // Metadata may have run out as well by now; in what is final nobody waits.
        if (its != episode || closing || state.mode().isFinal()) {
            return;
        }
        timedOut = true;
        events.add(
                PoolEvent.Kind.NO_SPACE_TIMEOUT,
                "no data space for " + options.onFullTimeout().toSeconds() + " s: waiting requests get ENOSPC, and so"
                        + " does every write that needs space from now on, but for volumes with their own time-out");
        queue.handBackAll(takeHeld(volume -> volume.device().limits().onFullSeconds() == 0), Errno.ENOSPC);
    }
}

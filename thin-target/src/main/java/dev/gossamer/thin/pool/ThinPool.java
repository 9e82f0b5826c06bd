package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.WatchedDevice;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.KnownVolume;
import dev.gossamer.thin.OriginOpener;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.PoolOwner;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.ExternalOrigin;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.ExternalOrigins;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.message.DmStatus;
import dev.gossamer.thin.message.MetadataMessages;
import dev.gossamer.thin.message.SnapshotMessages;
import dev.gossamer.thin.message.SnapshotRelease;
import dev.gossamer.thin.message.VolumeMessages;
import dev.gossamer.thin.message.VolumeNaming;
import dev.gossamer.thin.message.VolumeResize;
import dev.gossamer.thin.message.WriteBarrier;
import dev.gossamer.thin.metadata.PoolFormat;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A thin pool: a metadata device and a data device, and the volumes on them. The only door to the pool's worker; every
 * method may be called from any thread.
 *
 * <p>Life cycle: {@link #format} once, then {@link #open}, then {@link #close}. A pool that is never closed, because
 * the process was killed or the power failed, opens again without repair as it was at its last commit.
 */
public final class ThinPool {
    private final IoLoop workerLoop;
    private final List<? extends IoLoop> ioLoops;
    private final BlockDevice metadataDevice;
    private final BlockDevice data;
    private final PoolMetadata metadata;
    private final PoolDevices devices;
    private final PoolCounters counters = new PoolCounters();
    private final PoolOwner owner;
    final PoolParts parts;
    private final WorkerCalls calls;
    private final VolumeMessages messages;
    private final MetadataMessages metadataMessages;
    private final SnapshotRelease release;
    private final SnapshotMessages snapshotMessages;
    private final VolumeResize resize;
    private final DmStatus dmStatus;
    private final ExternalOrigins origins;
    private final PoolFacts facts;
    private final StatusContexts statusContexts;
    private final PoolJobs jobs;

    private ThinPool(
            BlockDevice metadataDevice,
            BlockDevice data,
            InlineLoop inline,
            IoLoop workerLoop,
            List<? extends IoLoop> ioLoops,
            PoolOptions options,
            OriginOpener originOpener)
            throws StorageException {
        this.workerLoop = workerLoop;
        this.ioLoops = ioLoops;
        this.owner = options.owner();
        this.metadataDevice = metadataDevice;
        this.data = WatchedDevice.over(data);
        inline.adopt();
        metadata = PoolMetadata.open(
                new BlockingIo(metadataDevice, inline),
                this.data,
                options.caches().metadataBlocks(),
                options.findings());
        parts = new PoolParts(workerLoop, ioLoops, this.data, metadata, counters, options);
        devices = parts.devices;
        facts = new PoolFacts(parts, options);
        statusContexts = new StatusContexts(devices);
        BlockingIo dataIo = new BlockingIo(this.data, inline);
        Catalog catalog = Catalog.open(metadata, dataIo, options.unmarkedCatalog());
        origins = new ExternalOrigins(originOpener, parts.examinations, workerLoop);
        new DevicesAtOpening(metadata, parts, origins).find(catalog);
        if (metadata.damage() != null) {
            parts.state.degrade(PoolMode.READ_ONLY, metadata.damage());
        }
        calls = new WorkerCalls(parts);
        MetadataChange change = new MetadataChange(metadata, parts.state, parts.faults, parts.committer);
        messages = new VolumeMessages(
                change,
                metadata,
                catalog,
                devices,
                parts.deviceIds,
                origins,
                parts.inFlight,
                parts.maps,
                parts.reclaimer,
                parts.quotas,
                parts.promises,
                parts.ownCounter,
                parts.spaceWaiters);
        jobs = PoolJobs.of(calls, parts, change, messages::detach, options);
        metadataMessages = new MetadataMessages(change, metadata);
        release = new SnapshotRelease(workerLoop, change, metadata, parts.committer, parts.faults, parts.reclaimer);
        WriteBarrier barrier = new WriteBarrier(
                workerLoop, metadata, parts.inFlight, parts.cells, parts.faults, parts.committer, counters);
        snapshotMessages = new SnapshotMessages(
                change, metadata, catalog, devices, parts.deviceIds, parts.maps, messages, barrier, parts.promises);
        resize = parts.resizing(change, messages, barrier, new HiddenTails(data, ioLoops, parts));
        dmStatus = parts.dmStatus();
        begin(catalog, new BlockingIo(metadataDevice, inline), dataIo);
    }

    private void begin(Catalog catalog, BlockingIo metadataIo, BlockingIo dataIo) throws StorageException {
        OwnerDuties.begin(owner, catalog, parts.committer, metadataIo, dataIo);
        if (!ioLoops.isEmpty()) {
            parts.reclaimer.start();
            parts.ownCounter.begin();
            origins.begin();
        }
    }

    /**
     * Formats a pool on a metadata device whose first block is all zero. Waits for its I/O, on the calling thread.
     *
     * @param blockBytes size of a data block: a multiple of 64 KiB up to 1 GiB
     * @throws StorageException if there is something on the metadata device, or a device is too small; nothing is
     *     written then
     */
    public static void format(BlockDevice metadata, BlockDevice data, int blockBytes, InlineLoop inline)
            throws StorageException {
        PoolFormat.format(new BlockingIo(metadata, inline), data, blockBytes);
    }

    /**
     * Opens a pool. Nothing is written until it is used. The metadata is read on the worker's loop, which adopts {@code
     * inline}; the pool closes both devices when it is closed.
     *
     * @param workerLoop the loop that will own the metadata; its buffers hold blocks in preparation
     * @param ioLoops the loops that will submit requests, each at its own {@link IoLoop#index}, from 0; with none the
     *     pool is only looked at
     * @param originOpener opens what volumes with an external origin are over; one that cannot be opened fails its
     *     volumes, not the pool
     */
    public static ThinPool open(
            BlockDevice metadata,
            BlockDevice data,
            InlineLoop inline,
            IoLoop workerLoop,
            List<? extends IoLoop> ioLoops,
            PoolOptions options,
            OriginOpener originOpener)
            throws StorageException {
        return join(openOn(metadata, data, inline, workerLoop, ioLoops, options, originOpener));
    }

    /** As {@link #open}, without waiting. */
    public static CompletableFuture<ThinPool> openOn(
            BlockDevice metadata,
            BlockDevice data,
            InlineLoop inline,
            IoLoop workerLoop,
            List<? extends IoLoop> ioLoops,
            PoolOptions options,
            OriginOpener originOpener) {
        return WorkerCalls.call(
                workerLoop, () -> new ThinPool(metadata, data, inline, workerLoop, ioLoops, options, originOpener));
    }

    /** All volumes and snapshots, by id. */
    public List<VolumeInfo> volumes() {
        return devices.infos();
    }

    /** As {@link #volumes}, each looked at when its turn comes: who walks over thousands can stop in between. */
    public Iterator<VolumeInfo> eachVolume() {
        return devices.eachInfo();
    }

    /** Number of volumes, snapshots included. */
    public int volumeCount() {
        return devices.count();
    }

    /** A volume by its name; null if there is none. */
    public VolumeInfo volume(String name) {
        ThinDevice device = devices.named(name);
        return device == null ? null : device.info();
    }

    /** Opens a volume for I/O from the pool's loops. Null if there is none of that name. Close it to give it back. */
    public ThinVolume openVolume(String name) {
        ThinDevice device = devices.named(name);
        return device != null && device.open() ? new ThinVolume(device, data, ioLoops, parts) : null;
    }

    /** What can be asked about the mappings of a volume, by the names that NBD clients use. */
    public StatusContexts statusContexts() {
        return statusContexts;
    }

    /** What becomes of TRIM on this pool's data device. */
    public DiscardMode discardMode() {
        return parts.discardMode;
    }

    /** What the pool can do at this moment. */
    public PoolMode mode() {
        return parts.state.mode();
    }

    /** What happened lately that the owner should know, oldest first; bounded. */
    public List<PoolEvent> events() {
        return parts.events.latest();
    }

    /** How many events of a kind there were since the pool was opened. */
    public long eventCount(PoolEvent.Kind kind) {
        return parts.events.count(kind);
    }

    public PoolCounters counters() {
        return counters;
    }

    /** Whether the data device has lost writes; then the pool is read-only and no FLUSH succeeds. */
    public DeviceHealth dataHealth() {
        return data.health();
    }

    /** What runs long in the background. */
    public PoolJobs jobs() {
        return jobs;
    }

    /** Metadata blocks looked at so far, cached or not: the work that an operation makes. */
    long metadataVisits() {
        return metadata.blockVisits();
    }

    /** Creates an empty volume; durable when the future completes. Fails with {@link StorageException}. */
    public CompletableFuture<VolumeInfo> createVolume(VolumeSpec spec) {
        return calls.message(() -> messages.createVolume(spec, null));
    }

    /**
     * As {@link #createVolume}, over an external origin: a device that shows through where nothing is mapped,
     * read-only, smaller or larger than the volume. Snapshots of the volume are over it too. TRIM lets it
     * show through again; WRITE_ZEROES maps zeros.
     *
     * @param location a path or URI by which the {@link OriginOpener} finds the device the next time
     * @param origin open for reading, not one of the pool's own; the pool closes it, also if it refuses. While it is
     *     waited for the pool goes on
     */
    public CompletableFuture<VolumeInfo> createVolumeOver(VolumeSpec spec, String location, BlockDevice origin) {
        CompletableFuture<ExternalOrigin> found = new CompletableFuture<>();
        workerLoop.execute(() -> parts.examinations.begin(location, origin, found));
        return found.thenCompose(record -> calls.message(() -> messages.createVolumeOver(spec, record, origin)));
    }

    /** Takes a snapshot of a volume, in use or not; durable when the future completes. */
    public CompletableFuture<VolumeInfo> createSnapshot(String origin, String name, boolean readOnly) {
        return createSnapshots(List.of(new SnapshotSpec(origin, name, readOnly)))
                .thenApply(List::getFirst);
    }

    /** Takes snapshots of several volumes, in use or not, as of one instant; all of them or none (MSG-7). */
    public CompletableFuture<List<VolumeInfo>> createSnapshots(List<SnapshotSpec> snapshots) {
        CompletableFuture<List<VolumeInfo>> answer = calls.answer();
        calls.whenQuiet(answer, () -> snapshotMessages.create(snapshots, answer));
        return answer;
    }

    /**
     * Gives a volume that nobody has open the contents and the size that another of its lineage has now, in use or not.
     * What it held until then is kept as a snapshot of it; durable when the future completes, as a whole or not at all.
     *
     * @param keepAs name for that snapshot; null to make one up
     * @return the snapshot
     */
    public CompletableFuture<VolumeInfo> rollBack(String name, String source, String keepAs) {
        return rollBack(name, null, source, keepAs);
    }

    /** As the other, if the name is still that of the volume with this UUID; null: whoever has it. */
    public CompletableFuture<VolumeInfo> rollBack(String name, UUID only, String source, String keepAs) {
        CompletableFuture<VolumeInfo> answer = calls.answer();
        calls.whenQuiet(answer, () -> snapshotMessages.rollBack(name, only, source, keepAs, answer));
        return answer;
    }

    /**
     * Changes a volume's size. Shrinking gives back what is beyond the end; what growing adds reads as zeros, or as the
     * external origin where that has bytes.
     *
     * @param force shrinks it even while it is open: requests beyond the new end fail (NBD T63)
     */
    public CompletableFuture<VolumeInfo> resizeVolume(String name, long sizeBytes, boolean force) {
        CompletableFuture<VolumeInfo> answer = calls.answer();
        calls.whenQuiet(answer, () -> resize.resize(name, sizeBytes, force, answer));
        return answer;
    }

    /** Takes over what somebody else calls the volumes that have no name here; durable when the future completes. */
    public CompletableFuture<Integer> nameVolumes(List<KnownVolume> known) {
        CompletableFuture<VolumeNaming> looked = calls.answer();
        workerLoop.execute(() -> messages.naming().look(known, looked));
        return looked.thenCompose(naming -> calls.message(naming::name));
    }

    public CompletableFuture<VolumeInfo> renameVolume(String name, String newName) {
        return calls.message(() -> messages.renameVolume(name, newName));
    }

    /** Changes what a volume may take of the pool's space. */
    public CompletableFuture<VolumeInfo> limitVolume(String name, VolumeLimits limits) {
        return calls.message(() -> messages.limitVolume(name, limits));
    }

    /** Changes what clients may do with a volume in a second. */
    public CompletableFuture<VolumeInfo> rateVolume(String name, IoRates rates) {
        return calls.message(() -> messages.rateVolume(name, rates));
    }

    /**
     * Takes larger devices into use while the pool is being used; writes that wait for space go on (RS-1, RS-2).
     *
     * @param dataBytes at least so large the data device shall be; 0 = as large as it is now, negative = leave it alone
     * @param metadataBytes likewise
     */
    public CompletableFuture<Void> grow(long dataBytes, long metadataBytes) {
        return calls.message(() -> {
            parts.resize.grow(dataBytes, metadataBytes);
            return null;
        });
    }

    /**
     * Deletes a volume that nobody has open. When the future completes the deletion is durable and the name is free;
     * blocks that only this volume had come free in the background, see {@link PoolStatus#reclaimBlocks}.
     */
    public CompletableFuture<Void> deleteVolume(String name) {
        return deleteVolume(name, null);
    }

    /** As the other, if the name is still that of the volume with this UUID; null: whoever has it. */
    public CompletableFuture<Void> deleteVolume(String name, UUID only) {
        return calls.message(() -> {
            messages.deleteVolume(name, only);
            return null;
        });
    }

    public CompletableFuture<PoolStatus> status() {
        return WorkerCalls.call(workerLoop, facts::status);
    }

    /** Sets the user's transaction id, if it is what the caller thinks. */
    public CompletableFuture<Void> setTransactionId(long expected, long next) {
        return calls.message(() -> {
            metadataMessages.setTransactionId(expected, next);
            return null;
        });
    }

    /** Keeps the mappings of now readable for tools, until released. The answer is its block. */
    public CompletableFuture<Long> reserveMetadataSnapshot() {
        return calls.message(metadataMessages::reserveMetadataSnapshot);
    }

    /** Lets go of that; durable when the future completes. What only it had comes free in the background. */
    public CompletableFuture<Void> releaseMetadataSnapshot() {
        CompletableFuture<Void> answer = calls.answer();
        calls.whenQuiet(answer, () -> release.begin(answer));
        return answer;
    }

    /** Who has what of the pool's data space, counted when it is asked. */
    public PoolSpace space() {
        return new PoolSpace(calls, parts);
    }

    /** The kernel's status lines, the pool's first; see {@link DmStatus}. */
    public CompletableFuture<List<String>> dmStatus() {
        CompletableFuture<List<String>> answer = calls.answer();
        calls.whenQuiet(answer, () -> dmStatus.ask(answer));
        return answer;
    }

    /**
     * The metadata device has not got all of its space: nothing is changed in it, for a write that finds none would
     * cost the transaction. Mapped blocks are read and written. A growth of the metadata, to the size that it has or
     * more, ends that: it takes the space first.
     *
     * @param why with the way out
     */
    public void metadataHasNoRoom(String why) {
        workerLoop.execute(() -> parts.state.degrade(PoolMode.OUT_OF_METADATA_SPACE, why));
    }

    /** Writes that wait for space get ENOSPC now, and none waits from now on: the pool is about to be closed. */
    public void stopWaitingForSpace() {
        workerLoop.execute(() -> parts.spaceWaiters.close());
    }

    /** Waits for blocks in preparation, commits and closes the devices. The caller has closed all volumes. */
    public CompletableFuture<Void> close() {
        CompletableFuture<Void> closed = new CompletableFuture<>();
        StorageException[] failure = new StorageException[1];
        PoolClosing closing = new PoolClosing(parts.faults);
        closing.now(origins::stop).now(parts.spaceWaiters::close).when(resize::close);
        parts.addRest(closing);
        closing.now(release::close).now(() -> failure[0] = lastCommit());
        parts.addEnd(closing);
        closing.when(next -> OwnerDuties.endThen(owner, workerLoop, next))
                .now(metadata::close)
                .now(metadataDevice::close)
                .now(data::close)
                .now(origins::close)
                .now(() -> WorkerCalls.end(closed, failure[0]));
        if (!Wakeup.call(workerLoop, closing::begin)) {
            WorkerCalls.end(closed, new StorageException(Errno.ESHUTDOWN, "the pool's worker has ended"));
        }
        return closed;
    }

    /** @return what has become of it; null: all is stable, or was not to be */
    private StorageException lastCommit() {
        try {
            if (parts.state.mode() != PoolMode.FAIL) {
                parts.committer.commitNow();
            }
            return null;
        } catch (StorageException e) {
            return e;
        } catch (RuntimeException | Error bug) {
            parts.faults.failed(bug);
            return new StorageException(Errno.EIO, parts.state.cause(), bug);
        }
    }

    /** Somebody else has used the pool: nothing of it works any more, nor is written (OP-10). */
    public void disown(String why) {
        workerLoop.execute(() -> parts.faults.disowned(why));
    }

    /** Waits for an answer of the pool and unwraps its error. Not from a loop. */
    public static <T> T join(CompletableFuture<T> answer) throws StorageException {
        try {
            return answer.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof StorageException cause) {
                throw cause;
            }
            throw new StorageException(Errno.EIO, Reason.of(e), e);
        }
    }
}

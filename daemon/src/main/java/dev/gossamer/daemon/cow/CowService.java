package dev.gossamer.daemon.cow;

import dev.gossamer.daemon.cow.RecordedSnapshot.State;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.daemon.server.export.DeviceSource;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.snapshot.StoreType;
import dev.gossamer.thin.pool.ThinPool;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All origins and classic snapshots of a daemon, and their record in {@code cow.yaml}.
 *
 * <p>Changes wait, one at a time, on threads that are no loops; what event loops ask goes to {@link #exports}.
 * What changes in several steps is recorded before the first one, and a start completes what a crash left half done: a
 * snapshot that is being made or deleted goes away with its store, a merge goes on.
 */
public final class CowService {
    private static final Logger LOG = LoggerFactory.getLogger(CowService.class);

    /** Until a record that may say what was refused is written once more. */
    private static final long SETTLE_NANOS = 5_000_000_000L;

    private final CowRecord record;
    private final CowDevices devices;
    private final Map<String, OriginExport> origins = new ConcurrentSkipListMap<>();
    private final Set<String> storeVolumes = ConcurrentHashMap.newKeySet();
    private final CowNames names;
    private boolean closed;

    private CowService(CowRecord record, CowDevices devices) {
        this.record = record;
        this.devices = devices;
        this.names = new CowNames(origins, storeVolumes, devices.pool());
        record.setWhenInDoubt(() ->
                devices.worker().schedule(() -> devices.threads().losses().execute(record::settle), SETTLE_NANOS));
    }

    /**
     * Opens what is recorded, before anybody can connect. An origin that cannot be opened is reported and not served;
     * transient snapshots of an earlier process are gone and are forgotten.
     *
     * @param buffered devices are used through the page cache
     * @param worker the loop that will own all tables; one of those that the pool takes requests from, with 4 MiB of
     *     buffers or more
     * @param ioLoops the loops that clients' requests come from
     * @throws StorageException if the record cannot be read
     */
    public static CowService open(
            Path file, DeviceOpener opener, boolean buffered, ThinPool pool, IoLoop worker, List<IoLoop> ioLoops)
            throws StorageException {
        OpenOptions options = new OpenOptions(false, buffered);
        return open(new CowRecord(file), new CowDevices(opener, options, pool, worker, ioLoops, CowThreads.OWN));
    }

    static CowService open(CowRecord record, CowDevices devices) {
        CowService service = new CowService(record, devices);
        for (CowConfig.Origin origin : service.record.config().origins()) {
            OriginExport export = service.exportOf(origin);
            service.clearAway(export);
            service.begin(export);
        }
        return service;
    }

    private OriginExport exportOf(CowConfig.Origin origin) {
        return new OriginExport(origin, devices, this::recordLoss);
    }

    /** Takes away what ended with the last process or was half done; what cannot go now stays out of use. */
    private synchronized void clearAway(OriginExport origin) {
        for (RecordedSnapshot snapshot : origin.config().snapshots()) {
            if (snapshot.inPool()) {
                storeVolumes.add(snapshot.store());
            }
            if (snapshot.type() != StoreType.TRANSIENT && !snapshot.isHalf()) {
                continue;
            }
            String export = CowName.of(origin.config().name(), snapshot.name());
            LOG.info(
                    "snapshot={} is gone: {}", export, snapshot.isHalf() ? CowWords.of(snapshot.state()) : "transient");
            try {
                record.change(origin, present -> present.with(snapshot.withState(State.DELETING)));
                forget(origin, snapshot);
            } catch (StorageException e) {
                LOG.error("snapshot={} is gone, but its store is left: {}", export, e.getMessage());
            }
        }
    }

    private synchronized void begin(OriginExport origin) {
        origins.put(origin.config().name(), origin);
        try {
            origin.open(devices.opener());
            watchMerge(origin);
            recordIdentities(origin);
        } catch (StorageException e) {
            LOG.error("origin={} is not served: {}", origin.config().name(), e.getMessage());
        }
    }

    private void recordIdentities(OriginExport origin) {
        if (origin.identified(origin.config()).equals(origin.config())) {
            return;
        }
        try {
            record.change(origin, origin::identified);
        } catch (StorageException e) {
            LOG.warn(
                    "origin={}: what its devices are cannot be recorded: {}",
                    origin.config().name(),
                    e.getMessage());
        }
    }

    /** On a thread that waits for nothing else: writes to the origin wait for it. */
    private void recordLoss(OriginExport origin, String name, String cause) throws StorageException {
        record.change(origin, present -> {
            RecordedSnapshot snapshot = present.snapshot(name);
            return snapshot == null ? present : present.with(snapshot.lost(cause));
        });
    }

    // ---- changes; may wait ----

    /**
     * Makes an origin or a snapshot; what is refused changes nothing.
     *
     * @param as opens what the request names, or refuses to, for whoever asks
     */
    public synchronized CowFacts create(CowRequest request, NamedDevices as) throws StorageException {
        requireOpen();
        CowName name = CowName.parse(request.name());
        if (!name.isSnapshot()) {
            return createOrigin(name, request.origin(), as).facts();
        }
        OriginExport origin = origins.get(name.origin());
        if (origin != null) {
            StoreRequestCheck.requireSameDevice(origin, request.origin());
            return createSnapshot(origin, name, request, as).facts();
        }
        OriginExport made = createOrigin(new CowName(name.origin(), null), request.origin(), as);
        try {
            return createSnapshot(made, name, request, as).facts();
        } catch (StorageException e) {
            try {
                deleteOrigin(made);
            } catch (StorageException left) {
                LOG.error(
                        "origin={} was not asked for alone, and is left: {}",
                        made.config().name(),
                        left.getMessage());
            }
            throw e;
        }
    }

    private OriginExport createOrigin(CowName name, String device, NamedDevices as) throws StorageException {
        names.requireUnused(name.toString());
        if (device == null) {
            throw new StorageException(
                    Errno.ENOENT,
                    "there is no origin " + name + "; name its device: gossamer cow create " + name
                            + " --origin PATH-OR-URI");
        }
        for (OriginExport other : origins.values()) {
            if (CowDevices.isSame(device, other.config().device())) {
                throw new StorageException(
                        Errno.EBUSY, device + " is origin " + other.config().name() + " already");
            }
        }
        StoreRequestCheck.requireRoomForOrigin(device, origins.values());
        StoreRequestCheck.requireNoStore(device, origins.values());
        OriginExport origin = exportOf(new CowConfig.Origin(name.origin(), device, "", List.of()));
        origin.open(as);
        origin.setConfig(origin.identified(origin.config()));
        try {
            StoreRequestCheck.requireUnknown(device, origin.device(), origins.values());
            record.add(origin.config());
        } catch (StorageException e) {
            origin.close();
            throw e;
        }
        origins.put(name.origin(), origin);
        LOG.info("origin={} device={}", name, device);
        return origin;
    }

    private OriginExport createSnapshot(OriginExport origin, CowName name, CowRequest request, NamedDevices as)
            throws StorageException {
        origin.requireServed();
        names.requireUnused(name.toString());
        StoreRequestCheck.check(name, request, origins.values());
        BlockDevice given = request.store() == null ? null : as.open(request.store(), devices.options());
        RecordedSnapshot snapshot = RecordedSnapshot.askedFor(
                name, request, given, CowNames.storeOf(name), origin.device().sizeBytes());
        try {
            if (given != null) {
                StoreRequestCheck.requireUnknown(snapshot.store(), given, origins.values());
            }
            announce(origin, snapshot);
        } catch (StorageException | RuntimeException | Error e) {
            if (given != null) {
                given.close();
            }
            throw e;
        }
        make(origin, snapshot, given, StoreRequestCheck.chunkBytes(request));
        LOG.info("snapshot={} store={}", name, snapshot.store());
        return origin;
    }

    private void announce(OriginExport origin, RecordedSnapshot snapshot) throws StorageException {
        if (snapshot.inPool()) {
            names.reserveStore(snapshot.store());
        }
        try {
            record.change(origin, present -> present.with(snapshot));
        } catch (StorageException e) {
            if (!record.isInDoubt()) { // else the next start may delete whatever has that name
                storeVolumes.remove(snapshot.store());
            }
            throw e;
        }
    }

    private void make(OriginExport origin, RecordedSnapshot snapshot, BlockDevice given, long chunkBytes)
            throws StorageException {
        boolean done = false;
        try {
            origin.create(snapshot, given != null ? given : devices.makeStore(snapshot, chunkBytes), chunkBytes);
            enter(origin, snapshot, State.CREATING, State.ACTIVE);
            done = true;
        } finally {
            if (!done) {
                undo(origin, snapshot);
            }
        }
    }

    /** Goes from one state to the next, unless the snapshot was lost on the way, which stays. */
    private void enter(OriginExport origin, RecordedSnapshot snapshot, State from, State to) throws StorageException {
        record.change(origin, present -> {
            RecordedSnapshot now = present.snapshot(snapshot.name());
            return now.state() == from ? present.with(now.withState(to)) : present;
        });
    }

    /** What this cannot take away, the next start does. */
    private void undo(OriginExport origin, RecordedSnapshot snapshot) {
        try {
            origin.delete(snapshot.name());
            forget(origin, snapshot);
        } catch (StorageException e) {
            LOG.error("snapshot={} was not made, but something is left of it: {}", snapshot.name(), e.getMessage());
        }
    }

    /**
     * Deletes a snapshot with its store's contents, or stops serving an origin that has none. Nobody has it open.
     *
     * @param force also if the origin is left half merged
     */
    public synchronized void delete(String export, boolean force) throws StorageException {
        requireOpen();
        CowName name = CowName.parse(export);
        OriginExport origin = find(name);
        if (!name.isSnapshot()) {
            deleteOrigin(origin);
            return;
        }
        RecordedSnapshot snapshot = origin.config().snapshot(name.snapshot());
        if (snapshot.isMerging() && !force) {
            throw new StorageException(
                    Errno.EBUSY,
                    name + " is half merged: without it " + name.origin() + " stays a mixture of what it was and of the"
                            + " snapshot, and what was written to it since is lost where it is not merged; "
                            + (origin.isServed()
                                    ? "wait until it is done, or merge it again if it failed"
                                    : "bring its store back and start again")
                            + ", or destroy that with --force");
        }
        if (snapshot.isMerging()) {
            origin.close(); // The origin is opened anew without it.
        }
        try {
            remove(origin, snapshot);
            LOG.info("deleted snapshot={}", name);
        } finally {
            if (!origin.isServed()) {
                begin(origin); // This one may have been what was in the way, and is recorded as going, or as it was.
            }
        }
    }

    private void deleteOrigin(OriginExport origin) throws StorageException {
        CowConfig.Origin present = origin.config();
        if (!present.snapshots().isEmpty()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "origin " + present.name() + " has snapshots: "
                            + present.snapshots().stream()
                                    .map(each -> CowName.of(present.name(), each.name()))
                                    .collect(Collectors.joining(", "))
                            + "; delete or merge them first");
        }
        record.remove(present.name());
        origins.remove(present.name());
        origin.close();
        LOG.info("no longer serving origin={}", present.name());
    }

    private void remove(OriginExport origin, RecordedSnapshot snapshot) throws StorageException {
        State before = snapshot.state();
        record.change(origin, present -> present.with(snapshot.withState(State.DELETING)));
        try {
            origin.delete(snapshot.name());
        } catch (StorageException e) {
            if (e.errno() == Errno.EBUSY) {
                enter(origin, snapshot, State.DELETING, before);
            }
            throw e;
        }
        forget(origin, snapshot);
    }

    /** The last steps: the store, then the record. */
    private void forget(OriginExport origin, RecordedSnapshot snapshot) throws StorageException {
        devices.eraseStore(snapshot);
        if (snapshot.inPool() && devices.pool().volume(snapshot.store()) != null) {
            devices.deleteStoreVolume(snapshot.store());
        }
        record.change(origin, present -> present.without(snapshot.name()));
        storeVolumes.remove(snapshot.store());
    }

    /** Begins to merge a snapshot into its origin. Nobody has either open; afterwards the origin can be opened. */
    public synchronized CowFacts merge(String export) throws StorageException {
        requireOpen();
        CowName name = CowName.parse(export);
        if (!name.isSnapshot()) {
            throw new StorageException(Errno.EINVAL, name + " is an origin; name the snapshot to merge: NAME@SNAP");
        }
        OriginExport origin = find(name);
        origin.requireServed();
        RecordedSnapshot snapshot = origin.config().snapshot(name.snapshot());
        if (snapshot.isMerging()) {
            origin.continueMerge();
        } else {
            enterMerge(origin, name);
        }
        LOG.info("merging snapshot={}", name);
        watchMerge(origin);
        return origin.facts();
    }

    private void enterMerge(OriginExport origin, CowName name) throws StorageException {
        for (RecordedSnapshot other : origin.config().snapshots()) {
            if (other.isMerging()) {
                throw new StorageException(
                        Errno.EBUSY,
                        CowName.of(name.origin(), other.name()) + " is being merged into " + name.origin()
                                + " already; one at a time, wait until that is done");
            }
        }
        // Recorded first: a store whose records are already going is no snapshot any more.
        record.change(origin, present -> {
            RecordedSnapshot snapshot = present.snapshot(name.snapshot());
            if (snapshot.isLost() || snapshot.isHalf()) {
                throw new StorageException(
                        Errno.EINVAL, name + ": its contents are lost, so there is nothing to merge; delete it");
            }
            return present.with(snapshot.withState(State.MERGING));
        });
        try {
            origin.beginMerge(name.snapshot());
        } catch (StorageException e) {
            enter(origin, origin.config().snapshot(name.snapshot()), State.MERGING, State.ACTIVE);
            throw e;
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // It only reports, and that to the log.
    private void watchMerge(OriginExport origin) {
        for (RecordedSnapshot snapshot : origin.config().snapshots()) {
            if (snapshot.isMerging()) {
                origin.mergeFinished()
                        .whenCompleteAsync(
                                (done, failure) -> mergeEnded(origin, snapshot, failure),
                                devices.threads().changes());
            }
        }
    }

    private synchronized void mergeEnded(OriginExport origin, RecordedSnapshot snapshot, Throwable failure) {
        String export = CowName.of(origin.config().name(), snapshot.name());
        if (failure != null) {
            LOG.error("merge of snapshot={} failed: {}", export, Reason.of(failure));
        }
        RecordedSnapshot present = origin.config().snapshot(snapshot.name());
        boolean isThis = present != null && present.isMerging() && Objects.equals(present.id(), snapshot.id());
        if (failure != null || closed || !isThis) {
            return; // The next start finds it done; or it is gone, and another may have its name.
        }
        try {
            remove(origin, snapshot);
            LOG.info("merged snapshot={}", export);
        } catch (StorageException | RuntimeException | Error e) {
            LOG.error("snapshot={} is merged, but its store is left: {}", export, e.getMessage());
        }
    }

    /** Whether giving an export up takes its origin away from its clients. */
    public boolean isMerging(String export) throws StorageException {
        CowName name = CowName.parse(export);
        return name.isSnapshot()
                && find(name).config().snapshot(name.snapshot()).isMerging();
    }

    /** Closes everything; what was begun goes on at the next start. All exports are closed. */
    public synchronized void close() throws StorageException {
        closed = true;
        record.settle();
        for (OriginExport origin : origins.values()) {
            origin.close();
        }
    }

    // ---- questions ----

    /** All origins by name. Waits for their workers. */
    public List<CowFacts> all() throws StorageException {
        List<CowFacts> all = new ArrayList<>();
        for (OriginExport origin : origins.values()) {
            all.add(origin.facts());
        }
        return all;
    }

    /** The origin of an export, and its snapshots. Waits for its worker. */
    public CowFacts facts(String export) throws StorageException {
        return find(CowName.parse(export)).facts();
    }

    private OriginExport find(CowName name) throws StorageException {
        OriginExport origin = origins.get(name.origin());
        if (origin == null || (name.isSnapshot() && origin.config().snapshot(name.snapshot()) == null)) {
            throw new StorageException(
                    Errno.ENOENT,
                    "there is no " + (name.isSnapshot() ? "snapshot " : "origin ") + name
                            + "; 'gossamer cow list' shows all");
        }
        return origin;
    }

    private void requireOpen() throws StorageException {
        if (closed) {
            throw new StorageException(Errno.ESHUTDOWN, "the daemon is stopping");
        }
    }

    /** What volumes must not be called, or have done to them. */
    public CowNames names() {
        return names;
    }

    /** What NBD clients see. */
    public DeviceSource exports() {
        return new CowExports(origins, storeVolumes);
    }
}

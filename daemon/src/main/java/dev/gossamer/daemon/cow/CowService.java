package dev.gossamer.daemon.cow;

import dev.gossamer.daemon.cow.RecordedSnapshot.State;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.daemon.server.export.DeviceSource;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All origins and classic snapshots of a daemon, and their record in {@code cow.yaml}.
 *
 * <p>Changes wait, one at a time for each origin, on threads that are no loops; what event loops ask goes to {@link
 * #exports}. Questions wait for no change. What changes in several steps is recorded before the first one, and a start
 * completes what a crash left half done: a snapshot that is being made or deleted goes away with its store, a merge
 * goes on.
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
    private final CowSteps steps;
    private final CowCreation creation;

    private CowService(CowRecord record, CowDevices devices) {
        this.record = record;
        this.devices = devices;
        this.names = new CowNames(origins, storeVolumes, devices.pool());
        this.steps = new CowSteps(record, devices, origins, storeVolumes);
        this.creation = new CowCreation(record, devices, origins, names, steps);
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
            OriginExport export = service.steps.exportOf(origin);
            service.clearAway(export);
            service.begin(export);
        }
        return service;
    }

    /** Takes away what ended with the last process or was half done; what cannot go now stays out of use. */
    private void clearAway(OriginExport origin) {
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
                steps.forget(origin, snapshot);
            } catch (StorageException e) {
                LOG.error("snapshot={} is gone, but its store is left: {}", export, e.getMessage());
            }
        }
    }

    private void begin(OriginExport origin) {
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

    // ---- changes; may wait ----

    /**
     * Makes an origin or a snapshot; what is refused changes nothing.
     *
     * @param as opens what the request names, or refuses to, for whoever asks
     */
    public CowFacts create(CowRequest request, NamedDevices as) throws StorageException {
        return creation.create(request, as).facts();
    }

    /**
     * Deletes a snapshot with its store's contents, or stops serving an origin that has none. Nobody has it open.
     *
     * @param force also if the origin is left half merged
     */
    public void delete(String export, boolean force) throws StorageException {
        CowName name = CowName.parse(export);
        OriginExport origin = find(name);
        origin.change().begin();
        try {
            steps.requireOpen();
            requireStill(origin, name);
            if (name.isSnapshot()) {
                deleteSnapshot(origin, name, force);
            } else {
                steps.deleteOrigin(origin);
            }
        } finally {
            origin.change().end();
        }
    }

    private void deleteSnapshot(OriginExport origin, CowName name, boolean force) throws StorageException {
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
        try {
            if (snapshot.isMerging()) {
                origin.close(); // The origin is opened anew without it.
            }
            remove(origin, snapshot);
            LOG.info("deleted snapshot={}", name);
        } finally {
            if (!origin.isServed()) {
                begin(origin); // This one may have been what was in the way, and is recorded as going, or as it was.
            }
        }
    }

    private void remove(OriginExport origin, RecordedSnapshot snapshot) throws StorageException {
        CowName name = new CowName(origin.config().name(), snapshot.name());
        requireClosed(origin, name, "deleted");
        try {
            record.change(
                    origin,
                    present -> present.with(present.snapshot(snapshot.name()).withState(State.DELETING)));
            origin.delete(snapshot.name());
        } finally {
            origin.mayBeOpened(snapshot.name()); // If it is still there.
        }
        steps.forget(origin, snapshot);
    }

    /** Begins to merge a snapshot into its origin. Nobody has either open; afterwards the origin can be opened. */
    public CowFacts merge(String export) throws StorageException {
        CowName name = CowName.parse(export);
        if (!name.isSnapshot()) {
            throw new StorageException(Errno.EINVAL, name + " is an origin; name the snapshot to merge: NAME@SNAP");
        }
        OriginExport origin = find(name);
        origin.change().begin();
        try {
            steps.requireOpen();
            requireStill(origin, name);
            origin.requireServed();
            if (origin.isBeingMerged(name.snapshot())) {
                origin.continueMerge();
            } else {
                enterMerge(origin, name);
            }
            LOG.info("merging snapshot={}", name);
            watchMerge(origin);
            return origin.facts();
        } finally {
            origin.change().end();
        }
    }

    private void enterMerge(OriginExport origin, CowName name) throws StorageException {
        for (RecordedSnapshot other : origin.config().snapshots()) {
            if (other.isMerging() && !other.name().equals(name.snapshot())) {
                throw new StorageException(
                        Errno.EBUSY,
                        CowName.of(name.origin(), other.name()) + " is being merged into " + name.origin()
                                + " already; one at a time, wait until that is done");
            }
        }
        if (!origin.keepClosed()) {
            throw new StorageException(
                    Errno.EBUSY,
                    name.origin() + " is open, and would change under its users; close it, merge, and open it again");
        }
        try {
            beginMerge(origin, name);
        } finally {
            origin.mayBeOpened();
        }
    }

    /** What could refuse it is kept away before it is recorded: the next start carries out what is recorded. */
    private void beginMerge(OriginExport origin, CowName name) throws StorageException {
        requireClosed(origin, name, "merged");
        try {
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
                steps.enter(origin, origin.config().snapshot(name.snapshot()), State.MERGING, State.ACTIVE);
                throw e;
            }
        } finally {
            origin.mayBeOpened(name.snapshot());
        }
    }

    /** Nobody has it open, and nobody opens it until {@link OriginExport#mayBeOpened(String)}. */
    private static void requireClosed(OriginExport origin, CowName name, String done) throws StorageException {
        if (!origin.keepClosed(name.snapshot())) {
            throw new StorageException(Errno.EBUSY, name + " is in use; close it, then it can be " + done);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // It only reports, and that to the log.
    private void watchMerge(OriginExport origin) {
        for (RecordedSnapshot snapshot : origin.config().snapshots()) {
            if (snapshot.isMerging()) {
                origin.mergeFinished()
                        .whenCompleteAsync(
                                (done, failure) ->
                                        origin.change().whenFree(() -> mergeEnded(origin, snapshot, failure)),
                                devices.threads().changes());
            }
        }
    }

    private void mergeEnded(OriginExport origin, RecordedSnapshot snapshot, Throwable failure) {
        String export = CowName.of(origin.config().name(), snapshot.name());
        if (failure != null) {
            LOG.error("merge of snapshot={} failed: {}", export, Reason.of(failure));
        }
        RecordedSnapshot present = origin.config().snapshot(snapshot.name());
        boolean isThis = present != null && present.isMerging() && Objects.equals(present.id(), snapshot.id());
        if (failure != null || steps.isClosed() || !isThis) {
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
    public void close() throws StorageException {
        steps.close();
        record.settle();
        StorageException first = null;
        for (OriginExport origin : origins.values()) {
            origin.change().begin();
            try {
                origin.close();
            } catch (StorageException e) {
                first = first == null ? e : first;
            } finally {
                origin.change().end();
            }
        }
        if (first != null) {
            throw first;
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

    /** What was found may have gone while an earlier change was waited for. */
    private void requireStill(OriginExport origin, CowName name) throws StorageException {
        if (find(name) != origin) {
            throw new StorageException(Errno.EBUSY, name + " has been made anew meanwhile; look at it and try again");
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

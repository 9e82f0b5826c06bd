package dev.gossamer.daemon.cow;

import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.StorageIdentity;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.snapshot.LossRecord;
import dev.gossamer.snapshot.SnapshotSet;
import dev.gossamer.snapshot.SnapshotSpec;
import dev.gossamer.snapshot.SnapshotState;
import dev.gossamer.snapshot.SnapshotStatus;
import dev.gossamer.snapshot.StoreGrowth;
import dev.gossamer.snapshot.StoreType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The exports of one origin and its snapshots. If the origin or any of its stores cannot be had, none of them is
 * served: a snapshot that misses writes to its origin is lost.
 *
 * <p>Changed within {@link #change}, on threads that may wait; asked for exports by event loops.
 */
final class OriginExport {
    private static final Logger LOG = LoggerFactory.getLogger(OriginExport.class);

    /** How long writes wait for a store in the pool to grow, which takes a commit. As long as a busy disk may need. */
    private static final Duration HOLD_BACK = Duration.ofSeconds(10);

    /**
     * What loops need to know of a snapshot to describe it.
     *
     * @param store what its device is
     */
    private record Loaded(long sizeBytes, int alignmentBytes, String store) {}

    /** Where the export is in its life. */
    enum State {
        /** Not opened yet, or given up for good. */
        CLOSED,
        /** Origin and stores are being opened; nothing is exported yet. */
        OPENING,
        /** Exported. */
        SERVED,
        /** Something could not be had; nothing is open. It may be opened again when what was in the way is gone. */
        FAILED,
        /** All exports are closed; the devices follow. */
        CLOSING;

        boolean mayBecome(State next) {
            return switch (this) {
                case CLOSED -> next == OPENING || next == CLOSED;
                case OPENING -> next == SERVED || next == FAILED;
                case SERVED -> next == CLOSING;
                case FAILED -> next == OPENING || next == CLOSED;
                case CLOSING -> next == CLOSED;
            };
        }
    }

    /**
     * The state and what belongs to it, replaced together: a loop never sees the one without the other.
     *
     * @param set null unless it is served
     * @param failure why it is not served, empty if there is no more to say
     */
    private record Life(State state, SnapshotSet set, String failure) {}

    /** Records that a snapshot is lost, durably, while the origin's writes wait. Takes no lock of a service. */
    @FunctionalInterface
    interface Losses {
        void record(OriginExport origin, String snapshot, String cause) throws StorageException;
    }

    private final CowDevices devices;
    private final Losses losses;
    private final OneChange change = new OneChange();
    private final ConcurrentMap<String, Loaded> loaded = new ConcurrentHashMap<>();
    // Replaced by the record, read by loops.
    private volatile CowConfig.Origin config;
    // What the origin's device turned out to be when it was opened.
    private volatile String identity = "";
    // Why a loss could not be recorded, as the log has it.
    private volatile String toldLoss = "";
    private volatile Life life = new Life(State.CLOSED, null, "");

    OriginExport(CowConfig.Origin config, CowDevices devices, Losses losses) {
        this.config = config;
        this.devices = devices;
        this.losses = losses;
    }

    /** Whoever changes it or its snapshots does so within this. */
    OneChange change() {
        return change;
    }

    CowConfig.Origin config() {
        return config;
    }

    void setConfig(CowConfig.Origin newConfig) {
        config = newConfig;
    }

    boolean isServed() {
        return life.state == State.SERVED;
    }

    void requireServed() throws StorageException {
        if (!isServed()) {
            throw new StorageException(
                    Errno.EIO,
                    "origin " + config.name() + " is not there: " + failure()
                            + "; it is opened when the daemon starts");
        }
    }

    /** Why it is not served. */
    String failure() {
        return life.failure;
    }

    /** The only place that changes the state. Within {@link #change}. */
    private void become(State next, SnapshotSet set, String failure) {
        become(new Life(next, set, failure));
    }

    private void become(Life next) {
        Invariant.check(life.state.mayBecome(next.state), "an origin's export left its order of states");
        life = next;
    }

    /** What a snapshot is called outside, and in its set, so that messages and logs name it in full. */
    private String exportOf(String snapshot) {
        return CowName.of(config.name(), snapshot);
    }

    // ---- life; not on a loop ----

    /** The origin's. Only while it is served. */
    BlockDevice device() {
        return life.set.originDevice();
    }

    /** What is recorded, with what the devices are that were opened last. */
    CowConfig.Origin identified(CowConfig.Origin recorded) {
        CowConfig.Origin all = recorded.withIdentity(identity);
        for (RecordedSnapshot each : recorded.snapshots()) {
            Loaded found = loaded.get(exportOf(each.name()));
            if (found != null) {
                all = all.with(each.found(each.inPool() ? "" : found.store, found.sizeBytes));
            }
        }
        return all;
    }

    /**
     * Opens the origin and all snapshots but lost ones, and goes on with a merge. If this fails nothing is open.
     *
     * @param as opens the origin
     */
    void open(NamedDevices as) throws StorageException {
        Life failed = new Life(State.FAILED, null, "it could not be opened");
        become(State.OPENING, null, "");
        boolean served = false;
        try {
            serve(openAll(as));
            served = true;
        } catch (StorageException e) {
            failed = new Life(State.FAILED, null, e.getMessage());
            throw e;
        } finally {
            if (!served) {
                become(failed);
            }
        }
    }

    private void serve(SnapshotSet opened) throws StorageException {
        boolean done = false;
        try {
            become(State.SERVED, opened, "");
            done = true;
        } finally {
            if (!done) {
                SnapshotSet.join(opened.close());
            }
        }
    }

    private SnapshotSet openAll(NamedDevices as) throws StorageException {
        List<RecordedSnapshot> snapshots = config.snapshots().stream()
                .filter(each -> !each.isLost() && !each.isHalf())
                .toList();
        StorageIdentity known = known(config.identity());
        boolean mayBeAnother =
                snapshots.isEmpty() && known != null && known.name().isEmpty();
        SnapshotSet opening = devices.openOrigin(as, config, mayBeAnother ? null : known);
        boolean done = false;
        try {
            identity = StorageIdentity.of(opening.originDevice()).toString();
            List<RecordedSnapshot> merging = new ArrayList<>();
            for (RecordedSnapshot snapshot : snapshots) {
                // A merge that had begun never marks its store as lost: this one was refused, and recorded all the
                // same.
                boolean isLost = !load(opening, snapshot);
                if (snapshot.isMerging() && !isLost) {
                    merging.add(snapshot);
                }
            }
            for (RecordedSnapshot snapshot : merging) {
                SnapshotSet.join(opening.merge(exportOf(snapshot.name())));
            }
            done = true;
            return opening;
        } finally {
            if (!done) {
                loaded.clear();
                SnapshotSet.join(opening.close());
            }
        }
    }

    private static StorageIdentity known(String recorded) {
        return recorded.isEmpty() ? null : StorageIdentity.parse(recorded);
    }

    /** @return false if its store says that it is lost, which is recorded then: the store may be away the next time */
    private boolean load(SnapshotSet opening, RecordedSnapshot snapshot) throws StorageException {
        BlockDevice store = null;
        boolean done = false;
        try {
            store = devices.openStore(snapshot);
            SnapshotStatus status = SnapshotSet.join(opening.load(spec(snapshot, 0), store));
            remember(opening, status, store);
            done = true;
            if (status.state() == SnapshotState.INVALID) {
                recordLoss(snapshot.name(), status.cause());
            }
            return status.state() != SnapshotState.INVALID;
        } catch (StorageException e) {
            String export = exportOf(snapshot.name());
            StorageIdentity known = known(snapshot.identity());
            boolean isAnother = store != null && known != null && !known.admits(StorageIdentity.of(store));
            throw new StorageException(
                    e.errno(),
                    export + " cannot be opened, and would miss what is written to its origin: " + e.getMessage()
                            + (isAnother ? "; if it has the same data, take its line 'identity' from cow.yaml" : "")
                            + "; bring its store back and start again, or give it up with: gossamer cow delete "
                            + export,
                    e);
        } finally {
            if (!done && store != null) {
                store.close();
            }
        }
    }

    /** Makes a snapshot. If this fails, its store is closed. */
    void create(RecordedSnapshot snapshot, BlockDevice store, long chunkBytes) throws StorageException {
        boolean done = false;
        try {
            SnapshotSet set = life.set;
            remember(set, SnapshotSet.join(set.create(spec(snapshot, chunkBytes), store)), store);
            done = true;
        } finally {
            if (!done) {
                store.close();
            }
        }
    }

    private void remember(SnapshotSet of, SnapshotStatus status, BlockDevice store) {
        int alignment = Math.max(
                of.originDevice().geometry().alignmentBytes(), store.geometry().alignmentBytes());
        String is = StorageIdentity.of(store).toString();
        loaded.put(status.name(), new Loaded(status.sizeBytes(), alignment, is));
    }

    private SnapshotSpec spec(RecordedSnapshot snapshot, long chunkBytes) {
        StoreGrowth growth = snapshot.inPool() ? devices.growthOf(snapshot.store()) : StoreGrowth.NONE;
        LossRecord lossRecord = snapshot.type() == StoreType.TRANSIENT
                ? LossRecord.NONE // It ends with this process.
                : (name, cause, done) -> recordLoss(snapshot.name(), cause, done);
        return SnapshotSpec.of(exportOf(snapshot.name()), snapshot.type())
                .withChunkBytes(chunkBytes)
                .withLossRecord(lossRecord)
                .withStoreId(snapshot.id())
                .withStoreDevice(known(snapshot.identity()))
                .withSizeBytes(snapshot.sizeBytes())
                .withFullStore(snapshot.fullAction(), snapshot.inPool() ? HOLD_BACK.toNanos() : 0, growth);
    }

    private void recordLoss(String snapshot, String cause, IntConsumer done) {
        devices.threads().losses().execute(() -> {
            int errno = Errno.EIO;
            try {
                errno = recordLoss(snapshot, cause);
            } finally {
                done.accept(errno);
            }
        });
    }

    private int recordLoss(String snapshot, String cause) {
        try {
            losses.record(this, snapshot, cause);
            return Errno.OK;
        } catch (StorageException e) {
            if (!e.getMessage().equals(toldLoss)) { // Each write of the origin tries again.
                toldLoss = e.getMessage();
                LOG.error("snapshot={} is lost, and that cannot be recorded: {}", exportOf(snapshot), toldLoss);
            }
            return e.errno();
        }
    }

    /** Gives a snapshot up and wipes its store; one that is not open is only forgotten. */
    void delete(String snapshot) throws StorageException {
        if (isServed() && loaded.containsKey(exportOf(snapshot))) {
            try {
                SnapshotSet.join(life.set.delete(exportOf(snapshot)));
            } catch (StorageException e) {
                if (e.errno() != Errno.EBUSY) {
                    loaded.remove(exportOf(snapshot)); // The set has let it go, and its store can be wiped again.
                }
                throw e;
            }
        }
        loaded.remove(exportOf(snapshot));
    }

    void beginMerge(String snapshot) throws StorageException {
        SnapshotSet.join(life.set.merge(exportOf(snapshot)));
    }

    /** Whether its merge has begun in this process, whatever is recorded of it. */
    boolean isBeingMerged(String snapshot) throws StorageException {
        if (!loaded.containsKey(exportOf(snapshot))) {
            return false; // Lost, or half gone.
        }
        return switch (SnapshotSet.join(life.set.status(exportOf(snapshot))).state()) {
            case MERGING, MERGE_FAILED, MERGED -> true;
            case STARTING, ACTIVE, OVERFLOW, INVALID -> false;
        };
    }

    /** Tries again what failed; nothing if the merge is under way. */
    void continueMerge() throws StorageException {
        SnapshotSet.join(life.set.continueMerge());
    }

    CompletableFuture<Void> mergeFinished() {
        return life.set.mergeFinished();
    }

    /** Keeps the origin from being opened, until {@link #mayBeOpened}. @return false: somebody has it open */
    boolean keepClosed() {
        return life.set == null || life.set.keepClosed();
    }

    void mayBeOpened() {
        if (life.set != null) {
            life.set.mayBeOpened();
        }
    }

    /** The same for a snapshot. */
    boolean keepClosed(String snapshot) {
        return life.set == null || life.set.keepClosed(exportOf(snapshot));
    }

    void mayBeOpened(String snapshot) {
        if (life.set != null) {
            life.set.mayBeOpened(exportOf(snapshot));
        }
    }

    /** Closes all devices. The caller has closed all exports. */
    void close() throws StorageException {
        SnapshotSet closing = life.set;
        if (closing == null) {
            become(State.CLOSED, null, "");
            return;
        }
        become(State.CLOSING, null, "");
        loaded.clear();
        try {
            SnapshotSet.join(closing.close());
        } finally {
            become(State.CLOSED, null, "");
        }
    }

    /** Waits for the worker. */
    CowFacts facts() throws StorageException {
        Life is = life;
        SnapshotSet now = is.set;
        CowConfig.Origin recorded = config;
        Map<String, SnapshotStatus> states = new HashMap<>();
        if (now != null) {
            SnapshotSet.join(now.list()).forEach(status -> states.put(status.name(), status));
        }
        List<CowFacts.OfSnapshot> snapshots = new ArrayList<>();
        for (RecordedSnapshot each : recorded.snapshots()) {
            snapshots.add(new CowFacts.OfSnapshot(
                    exportOf(each.name()),
                    each.store(),
                    each.inPool(),
                    CowWords.of(each.type()),
                    CowWords.of(each.fullAction()),
                    states.getOrDefault(exportOf(each.name()), each.withoutStore(exportOf(each.name())))));
        }
        return new CowFacts(
                recorded.name(),
                recorded.device(),
                now == null ? 0 : now.originDevice().sizeBytes(),
                is.failure,
                snapshots);
    }

    // ---- exports; on event loops ----

    List<ExportInfo> exports() {
        List<ExportInfo> all = new ArrayList<>();
        ExportInfo origin = export(null);
        if (origin != null) {
            all.add(origin);
        }
        for (RecordedSnapshot snapshot : config.snapshots()) {
            ExportInfo export = export(snapshot.name());
            if (export != null) {
                all.add(export);
            }
        }
        return all;
    }

    /** The origin (null) or a snapshot; null if that is not served, as while it is being merged. */
    ExportInfo export(String snapshot) {
        SnapshotSet now = life.set;
        CowConfig.Origin recorded = config;
        if (now == null) {
            return null;
        }
        BlockDevice origin = now.originDevice();
        if (snapshot == null) {
            // While a merge is on, a request may reach a store as well.
            int alignment = loaded.values().stream()
                    .mapToInt(Loaded::alignmentBytes)
                    .reduce(origin.geometry().alignmentBytes(), Math::max);
            boolean trims = origin.geometry().discardBytes() > 0;
            return CowExportInfo.of(
                    recorded.name(), "origin of classic snapshots", origin.sizeBytes(), alignment, trims);
        }
        Loaded found = loaded.get(exportOf(snapshot));
        RecordedSnapshot entry = recorded.snapshot(snapshot);
        if (found == null || entry == null || entry.isMerging() || entry.isHalf()) {
            return null;
        }
        String what =
                (entry.type() == StoreType.TRANSIENT ? "transient snapshot of " : "snapshot of ") + recorded.name();
        return CowExportInfo.of(exportOf(snapshot), what, found.sizeBytes(), found.alignmentBytes(), false);
    }

    BlockDevice openExport(String snapshot) {
        SnapshotSet now = life.set;
        if (now == null) {
            return null;
        }
        if (snapshot != null) {
            return now.openSnapshot(exportOf(snapshot));
        }
        try {
            return now.openOrigin();
        } catch (StorageException e) {
            if (e.errno() != Errno.EBUSY) {
                throw new IllegalStateException(e);
            }
            return null; // A merge begins at this moment.
        }
    }
}

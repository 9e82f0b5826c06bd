package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.WorkerIo;
import dev.gossamer.snapshot.copy.CopyQueue;
import dev.gossamer.snapshot.copy.RemapTable;
import dev.gossamer.snapshot.store.ExceptionStore;
import dev.gossamer.snapshot.store.PersistentStore;
import dev.gossamer.snapshot.store.StoreOpening;
import dev.gossamer.snapshot.store.TransientStore;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The management operations on the snapshots of an origin. Worker's thread, but for the map of snapshots, which all may
 * read.
 */
final class SnapshotMessages {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotMessages.class);

    private final OriginLoops loops;
    private final AttachedSnapshots attached;
    private final CopyQueue copies;
    private final BlockDevice origin;
    private final Door door;
    private final ConcurrentMap<String, CowSnapshot> snapshots = new ConcurrentHashMap<>();
    // Names that are being created, loaded or deleted: one operation on each at a time.
    private final Set<String> busyNames = ConcurrentHashMap.newKeySet();
    private volatile MergeJob merge;

    SnapshotMessages(OriginLoops loops, AttachedSnapshots attached, CopyQueue copies, BlockDevice origin, Door door) {
        this.loops = loops;
        this.attached = attached;
        this.copies = copies;
        this.origin = origin;
        this.door = door;
    }

    /** By name. */
    Map<String, CowSnapshot> snapshots() {
        return snapshots;
    }

    /** The merge that the origin is under, or was; null if there was none. */
    MergeJob merge() {
        return merge;
    }

    /** A bug has stopped the worker: nobody waits for a snapshot or for the merge any more. */
    void workerStopped() {
        snapshots.values().forEach(CowSnapshot::workerStopped);
        if (merge != null) {
            merge.workerStopped();
        }
    }

    SnapshotStatus status(CowSnapshot snapshot) {
        MergeJob job = merge;
        boolean isMerged = job != null && job.snapshot().equals(snapshot);
        return snapshot.status(isMerged ? job.mergedChunks() : 0);
    }

    /** Makes a new snapshot of the origin as it is now. */
    void create(SnapshotSpec spec, BlockDevice store, CompletableFuture<SnapshotStatus> answer)
            throws StorageException {
        StoreChecks.check(spec, store, origin, snapshots.values());
        int chunkBytes = StoreChecks.chunkBytes(spec, store, origin);
        StoreChecks.checkSize(spec, store, origin, chunkBytes);
        if (merge != null && merge.snapshot().state() != SnapshotState.MERGED) {
            throw StoreChecks.refused(
                    spec,
                    Errno.EBUSY,
                    "the origin is being merged with snapshot "
                            + merge.snapshot().name() + "; wait until that is done");
        }
        long sizeBytes = StoreChecks.sizeBytes(spec, origin);
        RemapTable table = new RemapTable(Math.ceilDiv(sizeBytes, chunkBytes));
        reserve(spec);
        if (spec.type() == StoreType.TRANSIENT) {
            ExceptionStore kept = new TransientStore(store, chunkBytes);
            start(new CowSnapshot(loops, copies, spec, kept, table, sizeBytes), answer);
            return;
        }
        new StoreOpening(loops.transfers(), store, spec.name(), spec.expected().storeId(), new StoreOpening.Answer() {
                    @Override
                    public void opened(PersistentStore opened) {
                        start(new CowSnapshot(loops, copies, spec, opened, table, sizeBytes), answer);
                    }

                    @Override
                    public void refused(StorageException why) {
                        release(spec, answer, why);
                    }
                })
                .create(chunkBytes);
    }

    /**
     * The moment of the snapshot: writes that come from now on wait for those under way, and then for their copies. The
     * origin is flushed, because the snapshot relies on it.
     */
    private void start(CowSnapshot snapshot, CompletableFuture<SnapshotStatus> answer) {
        attached.attach(snapshot);
        loops.writes().drain(() -> loops.transfers().flush(origin, errno -> {
            if (errno == Errno.OK) {
                snapshot.started(true);
                add(snapshot, answer);
                return;
            }
            attached.detach(snapshot);
            snapshot.started(false);
            wipe(
                    snapshot.store(),
                    wiped -> release(
                            snapshot.spec(),
                            answer,
                            StoreChecks.refused(
                                    snapshot.spec(), errno, "flushing the origin failed: " + Errno.name(errno))));
        }));
    }

    private void add(CowSnapshot snapshot, CompletableFuture<SnapshotStatus> answer) {
        snapshots.put(snapshot.name(), snapshot);
        busyNames.remove(snapshot.name());
        LOG.info("snapshot={} chunk_bytes={} state={}", snapshot.name(), snapshot.chunkBytes(), snapshot.state());
        answer.complete(status(snapshot));
    }

    /** Opens a snapshot from its store, as it was when the origin was last closed. */
    void load(SnapshotSpec spec, BlockDevice store, CompletableFuture<SnapshotStatus> answer) throws StorageException {
        StoreChecks.check(spec, store, origin, snapshots.values());
        if (spec.type() == StoreType.TRANSIENT) {
            throw StoreChecks.refused(
                    spec, Errno.EINVAL, "a transient snapshot ended with its process; create a new one");
        }
        StoreChecks.checkStoreDevice(spec, store);
        long sizeBytes = StoreChecks.sizeBytes(spec, origin);
        reserve(spec);
        if (!door.tryLock()) {
            busyNames.remove(spec.name());
            throw StoreChecks.refused(
                    spec,
                    Errno.EBUSY,
                    "the origin is open, and what was written to it would be missing; "
                            + "open all snapshots before the origin");
        }
        RemapTable[] table = {new RemapTable(0)};
        new StoreOpening(loops.transfers(), store, spec.name(), spec.expected().storeId(), new StoreOpening.Answer() {
                    @Override
                    public void opened(PersistentStore opened) {
                        warnOfChunkSize(spec, opened);
                        CowSnapshot snapshot = new CowSnapshot(loops, copies, spec, opened, table[0], sizeBytes);
                        snapshot.started(opened.isValidWhenOpened());
                        if (opened.isValidWhenOpened()) {
                            attached.attach(snapshot);
                        }
                        door.unlock();
                        add(snapshot, answer);
                    }

                    @Override
                    public void refused(StorageException why) {
                        door.unlock();
                        release(spec, answer, why);
                    }
                })
                .open(sizeBytes, StoreChecks.leastChunkBytes(store, origin), chunkBytes -> {
                    table[0] = new RemapTable(Math.ceilDiv(sizeBytes, chunkBytes));
                    return table[0]::put;
                });
    }

    private static void warnOfChunkSize(SnapshotSpec spec, PersistentStore opened) {
        if (spec.chunkBytes() != 0 && spec.chunkBytes() != opened.chunkBytes()) {
            LOG.warn(
                    "snapshot={} chunk_bytes={} as its store says, not {}",
                    spec.name(),
                    opened.chunkBytes(),
                    spec.chunkBytes());
        }
    }

    /** Gives up a snapshot that nobody has open; its store holds none any more. */
    void delete(String name, CompletableFuture<Void> answer) throws StorageException {
        CowSnapshot snapshot = find(name);
        if (snapshot.state() == SnapshotState.MERGING || snapshot.state() == SnapshotState.MERGE_FAILED) {
            throw StoreChecks.refused(
                    snapshot.spec(),
                    Errno.EBUSY,
                    "it is being merged, and the origin needs it; finish the merge first");
        }
        keepClosed(snapshot, "deleted");
        snapshots.remove(name);
        busyNames.add(name);
        attached.detach(snapshot);
        if (merge != null && merge.snapshot().equals(snapshot)) {
            merge = null; // It is done. The next snapshot of that name is another.
        }
        loops.drain(() -> snapshot.whenIdle(() -> wipe(snapshot.store(), errno -> {
            busyNames.remove(name);
            snapshot.storeDevice().close();
            if (errno == Errno.OK) {
                answer.complete(null);
            } else {
                answer.completeExceptionally(StoreChecks.refused(
                        snapshot.spec(),
                        errno == Errno.EBUSY ? Errno.EIO : errno, // which would say that nothing has happened
                        "it is gone, but its store could not be wiped: " + Errno.name(errno)
                                + "; do not open that store again"));
            }
        })));
    }

    /** Begins to merge a snapshot into the origin; neither is open. */
    void merge(String name, CompletableFuture<SnapshotStatus> answer) throws StorageException {
        CowSnapshot snapshot = find(name);
        if (merge != null && merge.snapshot().state() != SnapshotState.MERGED) {
            throw StoreChecks.refused(
                    snapshot.spec(),
                    Errno.EBUSY,
                    "snapshot " + merge.snapshot().name() + " is being merged already; one at a time");
        }
        if (snapshot.persistentStore() == null) {
            throw StoreChecks.refused(
                    snapshot.spec(),
                    Errno.EINVAL,
                    "only persistent snapshots can be merged; copy its contents instead");
        }
        if (snapshot.state() == SnapshotState.INVALID || snapshot.state() == SnapshotState.MERGED) {
            throw StoreChecks.refused(
                    snapshot.spec(),
                    Errno.EINVAL,
                    "its contents are "
                            + (snapshot.state() == SnapshotState.INVALID ? "lost" : "in the origin already")
                            + ", so there is nothing to merge; delete it");
        }
        keepClosed(snapshot, "merged");
        if (!door.tryLock()) {
            snapshot.door().unlock();
            throw StoreChecks.refused(
                    snapshot.spec(),
                    Errno.EBUSY,
                    "the origin is open, and would change under its users; close it, merge, and open it again");
        }
        loops.drain(() -> snapshot.whenIdle(() -> beginMerge(snapshot, answer)));
    }

    private void beginMerge(CowSnapshot snapshot, CompletableFuture<SnapshotStatus> answer) {
        boolean isLost = snapshot.state() == SnapshotState.INVALID;
        if (isLost || snapshot.persistentStore().isInDoubt()) {
            door.unlock();
            snapshot.door().unlock();
            answer.completeExceptionally(
                    isLost
                            ? StoreChecks.refused(
                                    snapshot.spec(), Errno.EIO, "it was lost just now: " + snapshot.cause())
                            : inDoubt(snapshot));
            return;
        }
        attached.detach(snapshot);
        snapshot.setState(SnapshotState.MERGING, "");
        merge = new MergeJob(loops, attached, origin, snapshot);
        merge.start();
        door.unlock();
        answer.complete(status(snapshot));
    }

    /** A merge that is cut off would take records that were given up for some of the snapshot's. */
    private static StorageException inDoubt(CowSnapshot snapshot) {
        snapshot.persistentStore().settle();
        return StoreChecks.refused(
                snapshot.spec(),
                Errno.EBUSY,
                "its table may have records that its device had no room for; make room there, and merge again");
    }

    /** Requests to a snapshot wait from now on; answers when none is under way. */
    void suspend(String name, CompletableFuture<SnapshotStatus> answer) throws StorageException {
        CowSnapshot snapshot = find(name);
        snapshot.suspension().begin();
        loops.drain(() -> snapshot.whenIdle(() -> answer.complete(status(snapshot))));
    }

    SnapshotStatus resume(String name) throws StorageException {
        CowSnapshot snapshot = find(name);
        snapshot.suspension().end();
        return status(snapshot);
    }

    /** A new snapshot takes over the table and the store of a suspended one (rule S-H1). */
    SnapshotStatus handOver(String source, SnapshotSpec destination) throws StorageException {
        CowSnapshot snapshot = find(source);
        if (!snapshot.suspension().isOn()) {
            throw StoreChecks.refused(
                    destination, Errno.EBUSY, "snapshot " + source + " is active; suspend it before it is handed over");
        }
        if (snapshot.state() != SnapshotState.ACTIVE
                && snapshot.state() != SnapshotState.OVERFLOW
                && snapshot.state() != SnapshotState.INVALID) {
            throw StoreChecks.refused(
                    destination, Errno.EBUSY, "snapshot " + source + " is being merged; it cannot be handed over");
        }
        boolean isPersistent = snapshot.persistentStore() != null;
        if (isPersistent == (destination.type() == StoreType.TRANSIENT)) {
            throw StoreChecks.refused(
                    destination,
                    Errno.EINVAL,
                    "the store of snapshot " + source + " is of another type; keep its type");
        }
        boolean isNameTaken = snapshots.containsKey(destination.name()) || busyNames.contains(destination.name());
        if (!destination.name().equals(source) && isNameTaken) {
            throw StoreChecks.refused(destination, Errno.EEXIST, "there is a snapshot of this name; choose another");
        }
        StoreChecks.checkFeatures(destination);
        snapshots.remove(source);
        snapshot.handOver(destination);
        snapshots.put(destination.name(), snapshot);
        return status(snapshot);
    }

    CowSnapshot find(String name) throws StorageException {
        CowSnapshot snapshot = snapshots.get(name);
        if (snapshot == null) {
            throw new StorageException(Errno.ENOENT, "there is no snapshot " + name + "; see the list of snapshots");
        }
        return snapshot;
    }

    /** Nobody has it open, and nobody opens it from now on. */
    private static void keepClosed(CowSnapshot snapshot, String done) throws StorageException {
        if (!snapshot.door().tryLock()) {
            throw StoreChecks.refused(snapshot.spec(), Errno.EBUSY, "it is in use; close it, then it can be " + done);
        }
    }

    private void reserve(SnapshotSpec spec) throws StorageException {
        if (!busyNames.add(spec.name())) {
            throw StoreChecks.refused(spec, Errno.EBUSY, "another operation on this name is under way; try again");
        }
    }

    private <T> void release(SnapshotSpec spec, CompletableFuture<T> answer, Throwable error) {
        busyNames.remove(spec.name());
        answer.completeExceptionally(error);
    }

    private static void wipe(ExceptionStore store, WorkerIo.Done done) {
        if (store instanceof PersistentStore persistent) {
            persistent.wipe(done);
        } else {
            done.done(Errno.OK);
        }
    }
}

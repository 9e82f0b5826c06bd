package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.OwnedLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.StorageIdentity;
import dev.gossamer.io.WatchedDevice;
import dev.gossamer.io.order.WriteOrder;
import dev.gossamer.io.worker.Kept;
import dev.gossamer.io.worker.WorkerIo;
import dev.gossamer.snapshot.copy.CopyQueue;
import dev.gossamer.snapshot.store.PersistentStore;
import dev.gossamer.snapshot.store.StoreOpening;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/**
 * A plain device, the origin, and its classic copy-on-write snapshots. The only door to their worker; every method may
 * be called from any thread. Futures complete on the worker's loop and fail with {@link StorageException}.
 *
 * <p>The origin and the stores remember what they have lost ({@link dev.gossamer.io.DeviceHealth}): after a flush that
 * failed, every FLUSH of the handles on them fails until the set is opened again.
 *
 * <p>Every write to the origin must pass through {@link #openOrigin}: what writes to the device itself destroys the
 * snapshots.
 *
 * <p>Life cycle:
 *
 * <ol>
 *   <li>{@link #over} a device that nobody else has.
 *   <li>{@link #load} every snapshot of earlier times, before anything is written: one that is left out misses those
 *       writes, and must not be loaded again. A merge that was under way is begun again with {@link #merge}.
 *   <li>{@link #openOrigin}, {@link #openSnapshot}; {@link #create}, {@link #delete}, {@link #merge}.
 *   <li>Close the handles, then {@link #close}. A set that is never closed, because the process was killed or the power
 *       failed, is opened in the same way.
 * </ol>
 */
public final class SnapshotSet {
    private final OriginLoops loops;
    private final BlockDevice origin;
    private final AttachedSnapshots attached;
    private final WriteOrder originOrder;
    private final Door door = new Door();
    private final SnapshotMessages messages;

    private SnapshotSet(BlockDevice origin, IoLoop workerLoop, List<? extends IoLoop> ioLoops) {
        this.origin = WatchedDevice.over(origin);
        this.loops = OriginLoops.of(workerLoop, ioLoops);
        CopyQueue copies = new CopyQueue(loops.transfers(), this.origin);
        this.attached = new AttachedSnapshots(loops.queue(), copies);
        this.originOrder = new WriteOrder(ioLoops);
        this.messages = new SnapshotMessages(loops, attached, copies, this.origin, door);
        loops.queue().keep(messages::workerStopped);
    }

    /**
     * Takes charge of a device, which {@link #close} closes. Does no I/O.
     *
     * @param known what the origin was whose snapshots will be loaded; null if that is not known, or none will be
     * @param workerLoop the loop that will own the tables; needs 4 MiB of buffers or more. It may be one of {@code
     *     ioLoops}, and must be if a store or the origin answers to these only
     * @param ioLoops the loops that will submit requests, each at its own {@link IoLoop#index}, from 0
     * @throws StorageException EINVAL if the device is another (rule S-L6): its snapshots, and a merge that goes on,
     *     would write over it. It stays the caller's
     */
    public static SnapshotSet over(
            BlockDevice origin, StorageIdentity known, IoLoop workerLoop, List<? extends IoLoop> ioLoops)
            throws StorageException {
        StorageIdentity found = StorageIdentity.of(origin);
        if (known != null && !known.admits(found)) {
            throw new StorageException(
                    Errno.EINVAL,
                    origin + " is not the device that the origin was (" + known + ") but another (" + found
                            + "), and its snapshots would destroy it");
        }
        return new SnapshotSet(origin, workerLoop, ioLoops);
    }

    /** The origin's device. */
    public BlockDevice originDevice() {
        return origin;
    }

    /**
     * Opens the origin for I/O from the set's loops: a {@link SnapshotOrigin}, or while a merge is on a {@link
     * SnapshotMerge}. Close it to give it back.
     */
    public BlockDevice openOrigin() throws StorageException {
        if (!door.tryEnter()) {
            throw new StorageException(
                    Errno.EBUSY, "the origin cannot be opened while a snapshot is loaded or a merge begins; try again");
        }
        SnapshotOrigin plain = new SnapshotOrigin(loops, attached, origin, originOrder, door::leave);
        MergeJob merge = messages.merge();
        return merge == null || merge.snapshot().state() == SnapshotState.MERGED
                ? plain
                : new SnapshotMerge(loops, merge, origin, originOrder, plain);
    }

    /** Keeps the origin from being opened, until {@link #mayBeOpened}. @return false: somebody has it open */
    public boolean keepClosed() {
        return door.tryLock();
    }

    /** Ends {@link #keepClosed}. */
    public void mayBeOpened() {
        door.unlock();
    }

    /** The same for a snapshot; nobody can open one that is not there. */
    public boolean keepClosed(String name) {
        CowSnapshot snapshot = messages.snapshots().get(name);
        return snapshot == null || snapshot.door().tryLock();
    }

    /** Ends {@link #keepClosed} of a snapshot. */
    public void mayBeOpened(String name) {
        CowSnapshot snapshot = messages.snapshots().get(name);
        if (snapshot != null) {
            snapshot.door().unlock();
        }
    }

    /**
     * Opens a snapshot for I/O from the set's loops. Null if there is none of that name, or it is merged or deleted.
     */
    public Snapshot openSnapshot(String name) {
        CowSnapshot snapshot = messages.snapshots().get(name);
        return snapshot != null && snapshot.door().tryEnter() ? new Snapshot(loops, origin, snapshot) : null;
    }

    /**
     * Makes a snapshot of the origin as it is now: all that was answered before is in it, nothing that is submitted
     * after the future completed. The store is the set's from then on; if this fails it stays the caller's, unchanged
     * if it was refused.
     */
    public CompletableFuture<SnapshotStatus> create(SnapshotSpec spec, BlockDevice store) {
        return ask(answer -> messages.create(spec, WatchedDevice.over(store), answer));
    }

    /**
     * Opens a snapshot from its persistent store, before the origin is opened. The chunk size is the store's. One that
     * became invalid opens as {@link SnapshotState#INVALID}. The store is the set's from then on; not if this fails.
     */
    public CompletableFuture<SnapshotStatus> load(SnapshotSpec spec, BlockDevice store) {
        return ask(answer -> messages.load(spec, WatchedDevice.over(store), answer));
    }

    /**
     * Wipes what is left of a snapshot on a device that no set has, if that is its store, and closes the device.
     *
     * @param id of the store
     */
    public static CompletableFuture<Void> erase(BlockDevice store, String name, UUID id, IoLoop workerLoop) {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        StoreOpening.Answer ended = new StoreOpening.Answer() {
            @Override
            public void opened(PersistentStore opened) {
                store.close();
                answer.complete(null);
            }

            @Override
            public void refused(StorageException why) {
                store.close();
                answer.completeExceptionally(why);
            }
        };
        Consumer<Throwable> bug = why -> ended.refused(new StorageException(Errno.EIO, Reason.of(why), why));
        WorkerIo io = new WorkerIo(workerLoop, bug);
        new OwnedLoop(workerLoop, bug).execute(() -> new StoreOpening(io, store, name, id, ended).erase(errno -> {
            if (errno == Errno.OK) {
                ended.opened(null);
            } else {
                ended.refused(new StorageException(errno, "snapshot " + name + ": " + Errno.name(errno)));
            }
        }));
        return answer;
    }

    /** All snapshots, by name. */
    public CompletableFuture<List<SnapshotStatus>> list() {
        return ask(answer -> {
            List<SnapshotStatus> all = new ArrayList<>();
            messages.snapshots().values().forEach(snapshot -> all.add(messages.status(snapshot)));
            all.sort(Comparator.comparing(SnapshotStatus::name));
            answer.complete(all);
        });
    }

    public CompletableFuture<SnapshotStatus> status(String name) {
        return ask(answer -> answer.complete(messages.status(messages.find(name))));
    }

    /** Gives up a snapshot that nobody has open; its store is wiped and closed. */
    public CompletableFuture<Void> delete(String name) {
        return ask(answer -> messages.delete(name, answer));
    }

    /**
     * Begins to merge a snapshot into the origin, while nobody has either open; when the future completes the origin
     * can be opened and has the snapshot's contents. The merge goes on in the background: see {@link #mergeFinished}.
     */
    public CompletableFuture<SnapshotStatus> merge(String name) {
        return ask(answer -> messages.merge(name, answer));
    }

    /** Completes when the present merge is done; fails if it fails, or if there is none. */
    public CompletableFuture<Void> mergeFinished() {
        return ask(answer -> present().whenFinished(answer));
    }

    /** Stops the merge between two runs of chunks; I/O goes on. */
    public CompletableFuture<Void> stopMerge() {
        return ask(answer -> present().stop(() -> answer.complete(null)));
    }

    /** Lets a stopped merge go on, or tries again one that failed. */
    public CompletableFuture<Void> continueMerge() {
        return ask(answer -> {
            present().start();
            answer.complete(null);
        });
    }

    /** Requests to a snapshot wait from now on; completes when none is under way. */
    public CompletableFuture<SnapshotStatus> suspend(String name) {
        return ask(answer -> messages.suspend(name, answer));
    }

    /** Requests to a snapshot go on. */
    public CompletableFuture<SnapshotStatus> resume(String name) {
        return ask(answer -> answer.complete(messages.resume(name)));
    }

    /**
     * A new snapshot takes over the table and the store of a suspended one: its name, features and policies are {@code
     * destination}'s, its chunk size and state stay. Handles of the old one fail with EIO from now on; the new one
     * waits for {@link #resume}.
     */
    public CompletableFuture<SnapshotStatus> handOver(String source, SnapshotSpec destination) {
        return ask(answer -> answer.complete(messages.handOver(source, destination)));
    }

    /** The store of a snapshot was made larger from outside: writes that wait for room look again. */
    public CompletableFuture<Void> storeGrown(String name) {
        return ask(answer -> {
            messages.find(name).storeChanged();
            answer.complete(null);
        });
    }

    /** Waits for copies under way, stops a merge, and closes all devices. The caller has closed all handles. */
    public CompletableFuture<Void> close() {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        loops.worker().execute(new SetClosing(loops, messages, origin, answer)::begin);
        return answer;
    }

    private MergeJob present() throws StorageException {
        MergeJob merge = messages.merge();
        if (merge == null) {
            throw new StorageException(Errno.ENOENT, "no snapshot is being merged");
        }
        return merge;
    }

    /** Work for the worker that answers itself, now or later, or is refused. */
    private interface Task<T> {
        void run(CompletableFuture<T> answer) throws StorageException;
    }

    @SuppressWarnings("FutureReturnValueIgnored") // what is chained to the answer cannot fail
    private <T> CompletableFuture<T> ask(Task<T> task) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        Kept its = () -> stopped(answer);
        loops.worker().execute(() -> {
            loops.queue().keep(its);
            answer.whenComplete((done, failure) -> loops.queue().forget(its));
            try {
                task.run(answer);
            } catch (StorageException e) {
                answer.completeExceptionally(e);
            }
            if (loops.queue().isStopped()) {
                its.end();
            }
        });
        return answer;
    }

    /** A bug has stopped the worker: whoever asked hears of that, if there is memory for words or not. */
    private void stopped(CompletableFuture<?> answer) {
        try {
            answer.completeExceptionally(new StorageException(
                    Errno.EIO, origin + ": a bug has stopped its snapshots; see the log, open it anew"));
        } catch (OutOfMemoryError noWords) {
            answer.completeExceptionally(noWords);
        }
    }

    /** Waits for an answer of the set and unwraps its error. Not from a loop. */
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

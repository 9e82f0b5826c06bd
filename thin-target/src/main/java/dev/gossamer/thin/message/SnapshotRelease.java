package dev.gossamer.thin.message;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.metadata.MetadataSnapshot;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.Reclaimer;
import java.util.concurrent.CompletableFuture;

/**
 * Lets go of the metadata snapshot, which may free as much as deleting every volume, in steps with other work of the
 * worker's in between ({@link MetadataSnapshot}).
 *
 * <ol>
 *   <li>Device by device, what only the snapshot leads to becomes the tree of a retired device. Until the last one the
 *       snapshot is held and whole.
 *   <li>One transaction drops the snapshot, and the answer is given.
 *   <li>The {@link Reclaimer} takes the retired devices away, as it does with deleted volumes.
 * </ol>
 *
 * <p>Worker's thread.
 */
public final class SnapshotRelease {
    /** A step looks for so many trees, at so many devices each time: about a millisecond. */
    private static final int STEP_KEEPS = 8;

    private static final int STEP_DEVICES = 64;

    private final IoLoop loop;
    private final MetadataChange change;
    private final PoolMetadata metadata;
    private final Committer committer;
    private final PoolFaults faults;
    private final Reclaimer reclaimer;
    private boolean underWay;
    private boolean closed;

    public SnapshotRelease(
            IoLoop loop,
            MetadataChange change,
            PoolMetadata metadata,
            Committer committer,
            PoolFaults faults,
            Reclaimer reclaimer) {
        this.loop = loop;
        this.change = change;
        this.metadata = metadata;
        this.committer = committer;
        this.faults = faults;
        this.reclaimer = reclaimer;
    }

    /** A release under way, in one incarnation of the metadata. */
    private record Task(long incarnation, CompletableFuture<Void> answer) {}

    private interface Step {
        void run() throws StorageException;
    }

    /** Begins. Only while no commit is being written. */
    public void begin(CompletableFuture<Void> answer) {
        Task task = new Task(faults.incarnation(), answer);
        boolean begun = underWay;
        guarded(task, () -> {
            change.checkAllowed();
            if (metadata.heldRoot() == 0) {
                throw new StorageException(Errno.EINVAL, "there is no metadata snapshot to release");
            }
            if (begun) {
                throw new StorageException(Errno.EBUSY, "the metadata snapshot is being released already");
            }
            if (metadata.findings().snapshotDamage() != null) {
                throw new MetadataCorrupt(metadata.findings().snapshotDamage());
            }
            underWay = true;
            passed(task);
        });
    }

    /** No step follows. Before the pool's last commit. */
    public void close() {
        closed = true;
    }

    /** All devices have been looked at, or none yet: writes have gone on meanwhile. */
    private void passed(Task task) throws StorageException {
        if (!metadata.snapshot().isReleasedAtOnce(Reclaimer.STEP_MAPPINGS)) {
            later(task, 0);
            return;
        }
        change.checkReleasable(Reclaimer.STEP_MAPPINGS);
        change.commit(() -> metadata.snapshot().release());
        end();
        task.answer.complete(null);
    }

    private void later(Task task, int from) {
        loop.execute(() -> committer.whenQuiet(() -> guarded(task, () -> step(task, from))));
    }

    private void step(Task task, int from) throws StorageException {
        change.checkAllowed();
        int next = from;
        for (int i = 0; i < STEP_KEEPS && next != MetadataSnapshot.DONE; i++) {
            change.checkKeepable();
            next = metadata.snapshot().keepNext(next, STEP_DEVICES, reclaimer::idToKeep);
        }
        committer.changed();
        if (next == MetadataSnapshot.DONE) {
            passed(task);
        } else {
            later(task, next);
        }
    }

    private void guarded(Task task, Step step) {
        try {
            if (closed) {
                throw new StorageException(Errno.ESHUTDOWN, "the pool is being closed");
            }
            if (faults.incarnation() != task.incarnation) {
                throw new StorageException(
                        Errno.EIO, "the pool's metadata has failed meanwhile; the metadata snapshot is still held");
            }
            step.run();
        } catch (StorageException e) {
            boolean harmless = e instanceof MetadataCorrupt && !metadata.isHalfChanged();
            if (e.errno() == Errno.EIO && !harmless && faults.incarnation() == task.incarnation) {
                faults.abort(e);
            }
            fail(task, harmless ? damaged(e) : e);
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            fail(task, bug);
        }
    }

    /** What is met before anything is changed: to follow it could take away what volumes have. */
    private static MetadataCorrupt damaged(StorageException e) {
        return new MetadataCorrupt("the metadata snapshot is damaged (" + e.getMessage()
                + "); it stays: close the pool and run thin_check, then thin_repair, on its metadata");
    }

    private void end() {
        underWay = false;
        metadata.snapshot().forgetKept();
        reclaimer.beginKept();
    }

    /** The snapshot is still held; what was kept of it is let go of again. */
    private void fail(Task task, Throwable failure) {
        boolean refused = underWay && failure instanceof StorageException e && e.errno() == Errno.EBUSY;
        if (!refused) {
            end();
        }
        task.answer.completeExceptionally(failure);
    }
}

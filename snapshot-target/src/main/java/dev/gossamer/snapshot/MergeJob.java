package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.WorkerIo;
import dev.gossamer.snapshot.copy.HeldRequest;
import dev.gossamer.snapshot.store.MergeCursor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a snapshot's contents into the origin, from the last record of its table backwards (rules S-M1 to S-M7).
 * Worker's thread, but for the volatile fields.
 *
 * <p>One round, for a run of chunks:
 *
 * <ol>
 *   <li>All other snapshots get the old contents of the run, if they have not.
 *   <li>Writes to the run are kept back; those under way in the store come to their end. Reads go on in the store.
 *   <li>The run is copied from the store to the origin, and the origin is flushed.
 *   <li>The run's records are cleared, durably.
 *   <li>The table forgets the run, and the writes go on, to the origin.
 * </ol>
 *
 * <p>If we crash before step 4 is durable, the records are still there and what they name is authoritative: the same
 * contents are copied again. If we crash after it, the origin has the contents, because it was flushed in step 3.
 * Without that flush they would be nowhere.
 *
 * <p>If clearing fails, the records may be gone all the same: then both devices have the run's contents, and must go on
 * having the same. Writes to the run fail until clearing was tried again and succeeded (rule S-M9).
 */
final class MergeJob {
    private static final Logger LOG = LoggerFactory.getLogger(MergeJob.class);

    /** Longest run, unless a chunk is longer: what one buffer takes, and how long writes to it are kept back. */
    private static final int RUN_BYTES = WorkerIo.PIECE_BYTES;

    private final OriginLoops loops;
    private final AttachedSnapshots others;
    private final BlockDevice origin;
    private final CowSnapshot snapshot;
    private final MergeCursor cursor;
    // Bounded by the requests that connections have under way.
    private final RequestQueue waiting = new RequestQueue();
    private final List<CompletableFuture<Void>> whenFinished = new ArrayList<>();
    private final List<Runnable> whenStopped = new ArrayList<>();
    private boolean running;
    // The run's records may be gone or not; it stays as it is.
    private boolean inDoubt;
    private long mergedChunks;

    // The run whose writes are kept back, empty if there is none. Loops read it before they look into the table.
    private volatile Range run = Range.NONE;

    /** Bytes of the origin. */
    private record Range(long fromBytes, long toBytes) {
        static final Range NONE = new Range(0, 0);
    }

    /** @param others that are not merged, and need what the merge overwrites */
    MergeJob(OriginLoops loops, AttachedSnapshots others, BlockDevice origin, CowSnapshot snapshot) {
        this.loops = loops;
        this.others = others;
        this.origin = origin;
        this.snapshot = snapshot;
        this.cursor = new MergeCursor(snapshot.persistentStore());
    }

    CowSnapshot snapshot() {
        return snapshot;
    }

    /** Whether a write to the range has to wait. For loops: to be asked before the table is. */
    boolean isBeingMerged(long fromBytes, long toBytes) {
        Range now = run;
        return fromBytes < now.toBytes && toBytes > now.fromBytes;
    }

    /** Completes {@code answer} when all is merged, exceptionally if the merge fails. Never while it is stopped. */
    void whenFinished(CompletableFuture<Void> answer) {
        whenFinished.add(answer);
        tellFinished();
    }

    private void tellFinished() {
        if (snapshot.state() == SnapshotState.MERGED) {
            whenFinished.forEach(answer -> answer.complete(null));
            whenFinished.clear();
        } else if (snapshot.state() == SnapshotState.MERGE_FAILED) {
            StorageException why = new StorageException(
                    Errno.EIO,
                    "snapshot " + snapshot.name() + ": merge failed: " + snapshot.cause()
                            + "; when the cause is gone, merge it again");
            whenFinished.forEach(answer -> answer.completeExceptionally(why));
            whenFinished.clear();
        }
    }

    long mergedChunks() {
        return mergedChunks;
    }

    boolean isOver() {
        return snapshot.state() != SnapshotState.MERGING;
    }

    /** Begins, goes on after {@link #stop}, or tries again what failed. */
    void start() {
        if (running || loops.queue().isStopped() || snapshot.state() == SnapshotState.MERGED) {
            return;
        }
        if (snapshot.state() == SnapshotState.MERGE_FAILED) {
            snapshot.setState(SnapshotState.MERGING, "");
        }
        running = true;
        if (inDoubt) {
            clear();
        } else {
            round();
        }
    }

    /** Stops between two runs; calls back when nothing of the merge is under way. */
    void stop(Runnable stopped) {
        if (running) {
            whenStopped.add(stopped);
        } else {
            stopped.run();
        }
    }

    /** A write that met a run which is being merged. */
    void admit(BlockRequest request) {
        if (isBeingMerged(request.offsetBytes(), request.offsetBytes() + request.lengthBytes())) {
            if (inDoubt) {
                loops.queue().handBack(request, Errno.EIO);
            } else {
                waiting.add(request);
            }
        } else {
            loops.queue().handBack(request, ServedDevice.SERVE_AGAIN);
        }
    }

    /** A bug has stopped the worker. What is at the disks ends; no run is begun, and none that was goes on. */
    void workerStopped() {
        if (running) {
            LOG.error("merge of snapshot={} has stopped; open it anew", snapshot.name());
            loops.queue().handBackAll(waiting, Errno.EIO);
            halt();
        }
    }

    private void round() {
        if (loops.queue().isStopped()) {
            return;
        }
        if (!whenStopped.isEmpty()) {
            halt();
            return;
        }
        int maxChunks = Math.max(1, RUN_BYTES / snapshot.chunkBytes());
        cursor.findLastRun(maxChunks, errno -> {
            if (errno != Errno.OK) {
                fail("reading the table", errno);
            } else if (cursor.chunks() == 0) {
                snapshot.setState(SnapshotState.MERGED, "");
                halt();
            } else {
                coverOthers();
            }
        });
    }

    private void coverOthers() {
        others.cover(from(), to(), new HeldRequest(loops.queue(), this::keepWritesBack));
    }

    private long from() {
        return cursor.firstOldChunk() * snapshot.chunkBytes();
    }

    private long to() {
        long end = (cursor.firstOldChunk() + cursor.chunks()) * snapshot.chunkBytes();
        return Math.min(end, snapshot.sizeBytes());
    }

    private void keepWritesBack(int errno) {
        if (errno != Errno.OK) {
            fail("copying to the other snapshots", errno);
            return;
        }
        if (!others.isCovered(from(), to())) {
            coverOthers(); // It waited for room in a store, and has to look again.
            return;
        }
        run = new Range(from(), to());
        loops.writes().drain(() -> copy(from()));
    }

    private void copy(long position) {
        int length = (int) Math.min(WorkerIo.PIECE_BYTES, to() - position);
        if (length <= 0) {
            loops.transfers().flush(origin, errno -> step("flushing the origin", errno, this::clear));
            return;
        }
        long inStore = cursor.firstNewChunk() * snapshot.chunkBytes() + position - from();
        loops.transfers().withBuffer(length, buffer -> loops.transfers()
                .read(snapshot.storeDevice(), inStore, length, buffer, 0, read -> {
                    if (read != Errno.OK) {
                        buffer.release();
                        fail("reading the store", read);
                        return;
                    }
                    WorkerIo.Done done;
                    try {
                        done = written -> {
                            buffer.release();
                            step("writing to the origin", written, () -> copy(position + length));
                        };
                    } catch (Error noMemory) {
                        buffer.release();
                        throw noMemory;
                    }
                    loops.transfers().write(origin, position, length, 0, buffer, 0, done);
                }));
    }

    private void clear() {
        cursor.clearRun(errno -> {
            inDoubt = errno != Errno.OK;
            step("clearing records", errno, this::forget);
        });
    }

    private void forget() {
        for (int i = 0; i < cursor.chunks(); i++) {
            snapshot.table().remove(cursor.firstOldChunk() + i);
        }
        mergedChunks += cursor.chunks();
        releaseWrites();
        loops.worker().execute(this::round);
    }

    private void step(String what, int errno, Runnable following) {
        if (loops.queue().isStopped()) {
            return;
        }
        if (errno == Errno.OK) {
            following.run();
        } else {
            fail(what, errno);
        }
    }

    /** What is left in the table stays in force (rule S-M6); a run in doubt is written to by nobody (rule S-M9). */
    private void fail(String what, int errno) {
        String cause = what + " failed: " + Errno.name(errno);
        LOG.error("merge of snapshot={} stopped: {}", snapshot.name(), cause);
        snapshot.setState(SnapshotState.MERGE_FAILED, cause);
        if (inDoubt) {
            loops.queue().handBackAll(waiting, Errno.EIO);
        } else {
            releaseWrites();
        }
        halt();
    }

    private void releaseWrites() {
        run = Range.NONE;
        loops.queue().handBackAll(waiting, ServedDevice.SERVE_AGAIN);
    }

    private void halt() {
        running = false;
        tellFinished();
        List<Runnable> tasks = List.copyOf(whenStopped);
        whenStopped.clear();
        tasks.forEach(Runnable::run);
    }
}

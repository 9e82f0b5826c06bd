package dev.gossamer.thin.pool;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.ClientLatency;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.JobRecord;
import dev.gossamer.thin.OwnedRun;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.job.CloneStart;
import dev.gossamer.thin.job.CopyStart;
import dev.gossamer.thin.job.Jobs;
import dev.gossamer.thin.job.MoveParts;
import dev.gossamer.thin.job.MoveStart;
import dev.gossamer.thin.job.OwnersQuery;
import dev.gossamer.thin.job.Stepping;
import dev.gossamer.thin.space.Reclaimer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What runs long in a pool, in bounded steps, while volumes are used. Any thread. Futures fail with {@link
 * StorageException}: ENOENT if there is no such job, EINVAL if it is over, EBUSY if there are as many as may be at
 * once.
 *
 * <p>Jobs end with the pool's being open; what their steps have done stays, and is a sound pool, and most can be begun
 * again ({@link JobRecord}). The reclaiming of deleted volumes is listed as job 0 while there is any; it goes on by
 * itself, also after a restart.
 */
public final class PoolJobs {
    /** Looks for owners at once, of some MiB each. */
    static final int MAX_LOOKS = 4;

    private static final long RECLAIM_ID = 0;

    private final WorkerCalls calls;
    private final Jobs jobs;
    private final CloneStart clones;
    private final MoveStart moves;
    private final CopyStart copies;
    private final MoveParts parts;
    private final Reclaimer reclaimer;
    private final int blockBytes;
    // The worker's.
    private int looks;
    private final Instant openedAt = Instant.now();

    private PoolJobs(
            WorkerCalls calls,
            Jobs jobs,
            CloneStart clones,
            MoveStart moves,
            CopyStart copies,
            MoveParts parts,
            Reclaimer reclaimer,
            int blockBytes) {
        this.calls = calls;
        this.jobs = jobs;
        this.clones = clones;
        this.moves = moves;
        this.copies = copies;
        this.parts = parts;
        this.reclaimer = reclaimer;
        this.blockBytes = blockBytes;
    }

    /** The jobs of a pool that is being opened. */
    static PoolJobs of(
            WorkerCalls calls,
            PoolParts parts,
            MetadataChange change,
            CopyStart.Detaching detaching,
            PoolOptions options) {
        CloneStart clones = new CloneStart(
                parts.metadata,
                parts.devices,
                change,
                parts.jobs,
                parts.rangeLocks,
                parts.stepChange,
                Stepping.NORMAL,
                parts.promises);
        MoveStart moves =
                new MoveStart(change, parts.committer, parts.jobs, parts.moveParts, parts.events, options.growth());
        CopyStart copies = new CopyStart(parts.moveParts, change, parts.jobs, detaching);
        int blockBytes = parts.metadata.blockBytes();
        return new PoolJobs(calls, parts.jobs, clones, moves, copies, parts.moveParts, parts.reclaimer, blockBytes);
    }

    /** All jobs under way, and the latest that are over. */
    public CompletableFuture<List<JobInfo>> list() {
        return calls.onWorker(() -> {
            List<JobInfo> infos = new ArrayList<>();
            if (reclaimer.pendingVolumes() > 0) {
                infos.add(reclaiming());
            }
            infos.addAll(jobs.list());
            return infos;
        });
    }

    public CompletableFuture<JobInfo> show(long id) {
        return calls.onWorker(() -> id == RECLAIM_ID && reclaimer.pendingVolumes() > 0 ? reclaiming() : jobs.show(id));
    }

    /** Names those whose latency jobs are to watch, from now on. */
    public CompletableFuture<Void> watch(ClientLatency clients) {
        return calls.onWorker(() -> {
            jobs.watch(clients);
            return null;
        });
    }

    /**
     * Takes over those that were under way when the pool was last closed and are not begun again, each
     * {@link JobInfo.State#INTERRUPTED}, and names who writes down those that come.
     */
    public CompletableFuture<Void> keep(List<JobInfo> interrupted, JobRecord record) {
        return calls.onWorker(() -> {
            jobs.keep(interrupted, record);
            return null;
        });
    }

    /** The next one that is started gets this number: one that is begun again has the one that it had. */
    public CompletableFuture<Void> numberNext(long id) {
        return calls.onWorker(() -> {
            jobs.numberNext(id);
            return null;
        });
    }

    /** Who starts one is told when it is written down: it goes on, or is told of, after whatever comes then (RL-9). */
    private CompletableFuture<JobInfo> start(WorkerCalls.Task<JobInfo> task) {
        return calls.message(() -> new Started(task.run(), jobs.recorded()))
                .thenCompose(started -> started.recorded.thenApply(written -> started.job));
    }

    private record Started(JobInfo job, CompletableFuture<Void> recorded) {}

    /** How many are under way, paused ones included. */
    public int activeCount() {
        return jobs.figures().activeCount();
    }

    /** How many have ended so since the pool was opened. */
    public long endedCount(JobInfo.State state) {
        return jobs.figures().endedCount(state);
    }

    /** How many times as long as they work jobs rest now, for clients' sake. */
    public int restFactor() {
        return jobs.figures().restFactor();
    }

    /** No further step begins until the job is resumed. */
    public CompletableFuture<JobInfo> pause(long id) {
        return calls.onWorker(() -> jobs.pause(started(id)));
    }

    public CompletableFuture<JobInfo> resume(long id) {
        return calls.onWorker(() -> jobs.resume(started(id)));
    }

    /** No further step begins, for good; what has been done stays. */
    public CompletableFuture<JobInfo> cancel(long id) {
        return calls.onWorker(() -> jobs.cancel(started(id)));
    }

    /** Starts a range clone; what was cloned is durable when the job is done. */
    public CompletableFuture<JobInfo> cloneRange(CloneSpec spec) {
        return start(() -> clones.start(spec));
    }

    /**
     * Starts to empty a range of the data device, in bytes, which is not used from now on: as long as the pool is open,
     * unless the job is cancelled or fails.
     *
     * @param acceptLosses what cannot be read there is given up, and is zeros from then on; else the job fails, and
     *     says whose it is
     */
    public CompletableFuture<JobInfo> evacuate(long offsetBytes, long lengthBytes, boolean acceptLosses) {
        return start(() -> moves.evacuate(offsetBytes, lengthBytes, acceptLosses));
    }

    /** Starts to make the pool's data smaller: empties what is behind the new end first. */
    public CompletableFuture<JobInfo> shrink(long dataBytes) {
        return start(() -> moves.shrink(dataBytes));
    }

    /** Starts to share equal blocks. */
    public CompletableFuture<JobInfo> dedupe(DedupeSpec spec) {
        return start(() -> moves.dedupe(spec));
    }

    /**
     * Starts to give a volume blocks of its own, while it is used: for all that it shares with others, or sees of an
     * external origin, off which it is taken then.
     */
    public CompletableFuture<JobInfo> makeIndependent(String volume) {
        return start(() -> copies.independent(volume));
    }

    /** Starts to take a volume off its external origin: copies what it sees of that first. */
    public CompletableFuture<JobInfo> detach(String volume) {
        return start(() -> copies.detach(volume));
    }

    /** Starts to put the blocks of a volume back into runs, with all who share them. */
    public CompletableFuture<JobInfo> defragment(String volume) {
        return start(() -> moves.defragment(volume));
    }

    /** Tells who has the blocks of a part of the data device, in bytes, by their place there. */
    public CompletableFuture<List<OwnedRun>> owners(long offsetBytes, long lengthBytes) {
        return calls.onWorker(() -> {
                    moves.checkRange(offsetBytes, lengthBytes);
                    if (looks >= MAX_LOOKS) {
                        throw new StorageException(
                                Errno.EBUSY, MAX_LOOKS + " looks for owners are under way, the most at once; wait");
                    }
                    OwnersQuery query = new OwnersQuery(parts, jobs, offsetBytes, lengthBytes);
                    looks++;
                    return query;
                })
                .thenCompose(query -> query.ask().whenComplete((answer, failure) -> looks--));
    }

    private JobInfo reclaiming() {
        return new JobInfo(
                RECLAIM_ID,
                "reclaim",
                reclaimer.pendingVolumes() + " deleted volume(s), " + reclaimer.pendingBlocks() * blockBytes
                        + " bytes mapped by them",
                JobInfo.State.RUNNING,
                0,
                0,
                openedAt,
                -1,
                "",
                List.of());
    }

    private static long started(long id) throws StorageException {
        if (id == RECLAIM_ID) {
            throw new StorageException(
                    Errno.EINVAL, "job 0, reclaiming deleted volumes, goes on by itself and cannot be stopped");
        }
        return id;
    }
}
